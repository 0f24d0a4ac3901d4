"""Which files and pictures the review server gives, and none beside."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from itertools import product

import numpy as np
from PIL import Image

from dataparams.contents.images import EncodedImage, PixelImage
from dataparams.errors import ChangedDataError, UserError
from dataparams.review.content_views import ContentViews
from made_reports import ColoredContents
from made_reviews import (
    client_of,
    indices,
    made_review,
)


def test_no_file_is_served_that_is_no_sample(tmp_path, review):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "run" / "secret.txt").write_bytes(b"secret")
    with client_of(review, raise_server_exceptions=False) as client:
        ups = [
            "..",
            "%2e%2e",
            "%252e%252e",
            "..%2f..",
            "..%5c..",
            "....//",
            "%c0%ae%c0%ae",
            "\\..\\..",
        ]
        names = ["secret.txt", "review.sqlite", "run.json", "/etc/passwd", "application.py"]
        for base in ("/page/", f"/api/pictures/{review.key}/small/", "/api/samples/", "/"):
            for up, name in product([*ups, "", "/"], names):
                answer = client.get(f"http://127.0.0.1:8000{base}{up}/{name}")
                assert answer.status_code in (404, 422), (base, up, name)
                assert b"secret" not in answer.content.replace(name.encode(), b"")
        for index in ("1.5", "-1", "1e3", "0x1", "\u0661", "99999999", "1/..", "1%00"):
            answer = client.get(f"/api/pictures/{review.key}/small/{index}")
            assert answer.status_code in (404, 422), index


def png_claiming(width, height):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


class FilesIn:
    """The image files of a folder, by their paths in it."""

    def __init__(self, folder):
        self._folder = folder

    def read(self, ids):
        return [EncodedImage(None, str(self._folder / one)) for one in ids]


def test_what_is_no_picture_has_a_placeholder(tmp_path):
    folder = tmp_path / "images" / "cat"
    folder.mkdir(parents=True)
    good = io.BytesIO()
    Image.new("RGB", (900, 600), "red").save(good, "JPEG")
    files = {
        "0000.jpg": good.getvalue(),
        "0001.jpg": good.getvalue()[:300],
        "0002.jpg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "0003.jpg": b"",
        "0004.jpg": png_claiming(60_000, 60_000),
    }
    for name, contents in files.items():
        (folder / name).write_bytes(contents)
    (folder / "0005.jpg").symlink_to(tmp_path / "nowhere.jpg")
    contents = FilesIn(tmp_path / "images")
    made = made_review(tmp_path / "run", sizes=({"hard": 7},), names=("cat",), contents=contents)
    with client_of(made) as client:
        for number in range(7):
            answer = client.get(f"/api/pictures/{made.key}/small/{3 * number + 1}")
            assert answer.status_code == 200
            if number:
                assert answer.headers["content-type"] == "image/svg+xml"
                assert b"onload" not in answer.content
                assert answer.headers["cache-control"] == "no-cache"
            else:
                with Image.open(io.BytesIO(answer.content)) as picture:
                    assert picture.size == (240, 160)
        large = client.get(f"/api/pictures/{made.key}/large/1").content
        with Image.open(io.BytesIO(large)) as picture:
            assert picture.size == (640, 427)
        assert client.get(f"/api/pictures/{made.key[::-1]}/small/1").status_code == 404
    made.close()


def test_pictures_are_read_once_and_kept_within_bounds(tmp_path):
    pictures = ColoredContents((24, 32))
    made = made_review(tmp_path / "run", contents=pictures)
    with client_of(made) as client:
        every = indices(client)
        for _ in range(2):
            for index in every:
                client.get(f"/api/pictures/{made.key}/small/{index}")
    assert sorted(name for block in pictures.blocks for name in block) == sorted(
        one for one in made.samples.ids(np.arange(len(every)))
    )
    made.close()
    (folder,) = (tmp_path / "run" / "review_cache").glob("pictures_*")
    one_file = max(file.stat().st_size for file in folder.glob("*/*.jpg"))
    made = made_review(tmp_path / "run")
    made.views.close()
    made = replace(made, views=ContentViews(pictures, folder, most_bytes=5 * one_file))
    with client_of(made) as client:
        client.get(f"/api/pictures/{made.key}/large/{every[0]}")
        kept = sum(file.stat().st_size for file in folder.glob("*/*.jpg"))
        assert kept <= 5 * one_file
        assert client.get(f"/api/pictures/{made.key}/large/{every[0]}").status_code == 200
    made.close()


def test_without_the_data_the_page_is_told_why_there_are_no_pictures(tmp_path):
    class Gone:
        def read(self, ids):
            raise UserError("The images are gone.")

    made = made_review(tmp_path / "run", contents=Gone())
    with client_of(made) as client:
        answer = client.get(f"/api/pictures/{made.key}/small/1")
        assert answer.headers["content-type"] == "image/svg+xml"
        changes = client.get("/api/changes", params={"annotator": "ann", "after": 0}).json()
        assert changes["trouble"] == "The images are gone."
        assert [len(one["samples"]) for one in client.get("/api/samples/1/similar").json()] == [
            5,
            5,
        ]
    made.close()


def test_samples_that_changed_are_named_and_take_no_other_picture_away(tmp_path):
    class Changing(ColoredContents):
        """Some samples are others than they were; one cannot be read."""

        changed = frozenset({"cat/0001.jpg", "cat/0005.jpg"})

        def read(self, ids):
            if others := sorted(self.changed.intersection(ids)):
                raise ChangedDataError(f"Changed: {', '.join(others)}.")
            return super().read(ids)

    def trouble():
        return client.get("/api/changes", params={"annotator": "ann", "after": 0}).json()["trouble"]

    def is_shown(number):
        answer = client.get(f"/api/pictures/{made.key}/small/{3 * number + 1}")
        return answer.headers["content-type"] == "image/jpeg"

    contents = Changing(unreadable=["cat/0003.jpg"])
    made = made_review(tmp_path / "run", contents=contents)
    with client_of(made) as client:
        names = [f"cat/{number:04}.jpg" for number in range(3)]
        wanted = {3 * number + 1: name for number, name in enumerate(names)}
        together = made.views._make(wanted, [(index, "small") for index in wanted])
        assert [index for index, _ in together] == [1, 7]
        assert trouble() == "Changed: cat/0001.jpg."
        assert [is_shown(number) for number in (4, 5, 3, 6, 1)] == [True, False, False, True, False]
        assert trouble() == "Changed: cat/0001.jpg, cat/0005.jpg."
        before = len(contents.blocks)
        assert not is_shown(3)
        assert len(contents.blocks) == before
        contents.changed = frozenset({"cat/0005.jpg"})
        assert is_shown(1)
        assert trouble() == "Changed: cat/0005.jpg."
        contents.changed = frozenset()
        assert is_shown(5)
        assert trouble() is None
    made.close()


def test_clear_cases_that_look_alike_stand_beside_a_sample(tmp_path):
    class Named:
        """Pictures as light as the number in their name; the sample looks like number 30."""

        def read(self, ids):
            numbers = [int(one[-8:-4]) for one in ids]
            return [
                PixelImage(np.full((8, 8, 3), 150 if n == 0 else 5 * n, np.uint8)) for n in numbers
            ]

    made = made_review(
        tmp_path / "run", sizes=({"hard": 1, "easy": 40}, {"easy": 3}), contents=Named()
    )
    with client_of(made) as client:
        groups = client.get("/api/samples/1/similar").json()
        assert [group["label"] for group in groups] == [0, 1]
        assert {one["id"] for one in groups[0]["samples"]} == {
            f"cat/{number:04}.jpg" for number in range(28, 33)
        }
        assert {one["category"] for group in groups for one in group["samples"]} == {"easy"}
    made.close()
