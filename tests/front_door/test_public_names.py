"""What a Python user finds at the front door: names, help, the version, a quick import."""

from __future__ import annotations

import pydoc
import re
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec

import pytest

import dataparams
from dataparams.cli.main import main
from dataparams.errors import UserError

ERRORS = (
    *("ArgumentError", "ChangedDataError", "DataError", "MissingPackageError", "RunError"),
    *("Stopped", "UserError"),
)


def test_dir_and_help_show_the_public_names() -> None:
    shown = {name for name in dir(dataparams) if not name.startswith("_")}
    assert shown == set(dataparams.__all__)
    page = pydoc.plain(pydoc.render_doc(dataparams))
    described = set(re.findall(r"^    (?:class )?(\w+)\(", page, re.MULTILINE))
    assert set(dataparams.__all__) - described == set()


def test_every_public_name_says_what_it_is() -> None:
    for name in dataparams.__all__:
        public = getattr(dataparams, name)
        assert public.__name__ == name
        assert public.__doc__
        assert public.__doc__.split("\n")[0].strip().endswith(".")


def test_no_public_name_is_that_of_a_package() -> None:
    assert [name for name in dataparams.__all__ if find_spec(f"dataparams.{name}")] == []


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        dataparams.analyse  # noqa: B018 - it is looked up
    assert not hasattr(dataparams, "lazy")


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_public(name: str) -> None:
    error = getattr(dataparams, name)
    assert issubclass(error, (UserError, KeyboardInterrupt))
    assert issubclass(dataparams.ArgumentError, ValueError)


def test_importing_is_quick() -> None:
    code = "import dataparams, sys; dir(dataparams); print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("module", ["dataparams", "dataparams.cli"])
def test_the_package_runs_as_the_command(module: str) -> None:
    command = [sys.executable, "-m", module, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"dataparams {dataparams.__version__}\n"


def test_the_version_is_that_of_the_installation(capsys: pytest.CaptureFixture[str]) -> None:
    assert version("dataparams") == dataparams.__version__
    assert main(["--version"]) == 0
    assert dataparams.__version__ in capsys.readouterr().out
