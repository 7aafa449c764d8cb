"""Tests lie where the code they test lies, folders stay small, and what tests share is apart."""

import re
from collections import Counter
from pathlib import Path

import pytest

from suite.paths import ROOT

TESTS = ROOT / "tests"
MOST_FILES = 14
#: Folders of tests that stand for a folder of the checkout; any other stands for one of suite/.
TOPS = {"benchmarks", "docker", "reports"}
#: Run by path (docs/tests.md), so they are no helpers.
COMMANDS = {"fuzz.py", "unchanged.py"}
FILES = sorted(path.relative_to(TESTS) for path in TESTS.rglob("*.py"))
TEST_FILES = [path for path in FILES if path.name.startswith("test_")]


def test_every_folder_is_one_of_the_code() -> None:
    """Who has a file of the code open knows where its tests are; a renamed folder takes them."""
    folders = {path.parent for path in TEST_FILES} - {Path()}
    missing = [
        folder.as_posix()
        for folder in sorted(folders)
        if not ((ROOT if folder.parts[0] in TOPS else ROOT / "suite") / folder).is_dir()
    ]
    assert missing == []


def test_no_folder_has_too_many_tests() -> None:
    """``ls`` of a folder is read in one look, as in the code."""
    counts = Counter(path.parent.as_posix() for path in TEST_FILES)
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_what_tests_share_lies_in_support() -> None:
    """No helper among tests, where pytest does not look for it and nobody else does."""
    others = [path for path in FILES if path not in TEST_FILES and path.name != "conftest.py"]
    wrong = [
        path.as_posix()
        for path in others
        if path.as_posix() not in COMMANDS and path.parent != Path("support")
    ]
    assert wrong == []


def test_no_test_imports_a_test() -> None:
    """What two files of tests need is a helper; else a test that moves breaks another."""
    wrong = [
        f"{path}: {line}"
        for path in TEST_FILES
        for line in (TESTS / path).read_text(encoding="utf-8").splitlines()
        if line.startswith(("from test_", "import test_"))
    ]
    assert wrong == []


def test_tests_that_the_documents_name_exist() -> None:
    """Who looks up why a test is slow, or what holds a promise, finds the test."""
    names = {
        name
        for path in (*(TESTS / each for each in TEST_FILES), *ROOT.glob("benchmarks/test_*.py"))
        for name in re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))
    }
    wrong = []
    for text in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        said = text.read_text(encoding="utf-8")
        wrong += [
            f"{text.name}: {name}"
            for name in re.findall(r"`(tests/[\w/.]*)`", said)
            if not (ROOT / name).exists()
        ]
        wrong += [
            f"{text.name}: {name}"
            for name in re.findall(r"`(test_\w+)`", said)
            if name not in names
        ]
    assert wrong == []


def test_files_that_begin_first_exist(pytestconfig: pytest.Config) -> None:
    """A name in conftest.py that no file has would start the slowest files last, in silence."""
    conftest = pytestconfig.pluginmanager.get_plugin(str(TESTS / "conftest.py"))
    assert conftest is not None
    assert [name for name in conftest.LONGEST if not (TESTS / name).is_file()] == []
