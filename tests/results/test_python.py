"""The functions that notebooks call: docs/python.md is run as it stands."""

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import suite.results
from suite.errors import BadInput
from suite.paths import ROOT


def test_the_examples_of_the_documentation_say_what_comes_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every example in docs/python.md, against the published results."""
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(
        str(ROOT / "docs" / "python.md"),
        module_relative=False,
        optionflags=doctest.NORMALIZE_WHITESPACE,
    )
    assert tried > 8
    assert failed == 0


def test_a_path_as_text_is_one_path(tmp_path: Path) -> None:
    """A string is no list of paths; what is not there is said."""
    with pytest.raises(BadInput, match="nowhere"):
        suite.results.read(str(tmp_path / "nowhere"))


def test_names_are_functions_whatever_was_imported_first() -> None:
    """A folder of the same name would take a function's place once it is imported."""
    code = (
        "import suite.cli, suite.verbs.compare, suite.verbs.export, suite.results as r;"
        "from suite.results import *;"
        "print(*(name for name in r.__all__ if name not in globals()),"
        " *(callable(each) for each in (read, rows, compare)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True", "True"]
