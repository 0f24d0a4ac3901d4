"""File and folder names: safe everywhere, and one for each name."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from dataparams.export.names import UniqueNames, portable_name

DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}
AWKWARD = st.sampled_from(
    [
        *(
            "..",
            ".",
            "",
            "/",
            "a/b",
            "a\\b",
            "../../etc/passwd",
            "CON",
            "con.txt",
            "Nul",
            "COM1.a.b",
        ),
        *("cat", "Cat", "CAT", "cat ", "cat.", " cat", "caf\u00e9", "cafe\u0301", "stra\u00dfe"),
        *("strasse", "a:b", "a?b", "a*b", "x\x00y", "x\ny", "\u202egnp.exe", "\u732b", "=1+1"),
        *("-rf", "~", "~root", "a~0123456789ab", "a~0123456789ab.jpg", "x" * 300, "\u00e9" * 200),
        *("x" * 300 + ".jpg", "a.jpg", "a.JPG", "A.jpg", "tench, Tinca tinca", "\udcff"),
    ]
)
NAMES = st.lists(st.one_of(AWKWARD, st.text(max_size=12)), max_size=30, unique=True)


def named(names):
    unique = UniqueNames([("folder", name) for name in names])
    return {name: unique.of("folder", name, name) for name in names}


def as_every_system_sees(name):
    return unicodedata.normalize("NFC", name.casefold())


@given(NAMES)
def test_every_name_gets_a_file_name_of_its_own(names):
    found = named(names)
    assert len({as_every_system_sees(name) for name in found.values()}) == len(names)


@given(NAMES)
def test_file_names_are_taken_by_every_system(names):
    for name in named(names).values():
        assert name == name.strip(" ")
        assert name.isprintable()
        assert not name.startswith(".")
        assert not name.endswith(".")
        assert not set(name) & set('<>:"/\\|?*')
        assert len(name.encode()) <= 255
        assert name.partition(".")[0].lower().strip() not in DEVICES


@given(NAMES, st.randoms())
def test_a_file_name_does_not_depend_on_the_order(names, random):
    found = named(names)
    random.shuffle(names)
    assert named(names) == found


def test_plain_names_stay_what_they_are():
    names = [
        "n01440764_10026.JPEG",
        "tench, Tinca tinca",
        "T-shirt",
        "\u732b",
        "7",
    ]
    assert named(names) == {name: name for name in names}


def test_groups_are_told_apart_by_themselves():
    unique = UniqueNames([(0, "a.jpg"), (1, "A.jpg")])
    assert [unique.of(0, "a.jpg", "0/a"), unique.of(1, "A.jpg", "1/A")] == ["a.jpg", "A.jpg"]


def test_the_extension_stays_at_the_end():
    long = portable_name("x" * 300 + ".jpeg")
    assert long.endswith("x.jpeg")
    assert len(long) < 200
    found = named(["a.jpg", "A.JPG"])
    assert [name[-4:] for name in found.values()] == [".jpg", ".JPG"]
