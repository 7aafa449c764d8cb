"""What docs/architecture.md says is there, is there."""

import ast
import re

import pytest

from suite.paths import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:suite|reports|benchmarks|tests)/[^`]*)`", TEXT)))


@pytest.mark.parametrize("name", NAMED)
def test_what_it_names_exists(name: str) -> None:
    """A reader who follows it ends at a file or folder."""
    assert (ROOT / name).exists()


def test_it_names_every_folder_of_the_code() -> None:
    """A folder that it does not explain is one that a newcomer has to guess."""
    folders = {
        path.parent.relative_to(ROOT).as_posix()
        for top in ("suite", "reports")
        for path in (ROOT / top).glob("*/__init__.py")
    }
    missing = {
        each for each in folders if f"`{each}/" not in TEXT and f"`{each[8:]}/`" not in TEXT
    }
    assert missing == set()


LINE = re.compile(r"^- `(?P<file>[^`]+)`(?:, (?P<by>[^:]+?))?(?:: (?P<calls>.+))?$", re.MULTILINE)
WAYS = re.findall(
    r"^### ([^\n]+): (\d+) files, (\d+) calls\n(.+?)(?=^##)", TEXT, re.DOTALL | re.MULTILINE
)


def defined(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def imported(file: str) -> set[str]:
    """Return every dotted name that a file imports, and every part that leads to one."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return names


@pytest.mark.parametrize(("title", "files", "calls", "text"), WAYS, ids=[way[0] for way in WAYS])
def test_each_way_can_be_followed(title: str, files: str, calls: str, text: str) -> None:
    """Each function is there, each file is reached from one above it, and the counts are right."""
    above: set[str] = set()
    lines = [match.groupdict() for match in LINE.finditer(text)]
    assert len(lines) == text.count("\n- "), "every line of the list is read"
    named = [re.findall("`([^`]+)`", line["calls"] or "") for line in lines]
    for line, functions in zip(lines, named, strict=True):
        file, by = line["file"], line["by"]
        if file.endswith(".py"):
            assert set(functions) <= defined(file), file
            module = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
            assert not above or by or module in above, f"{file} is imported by no file above"
            above |= imported(file)
    assert len(lines) == int(files)
    assert sum(map(len, named)) == int(calls)


def test_there_are_four_ways() -> None:
    """The test above would hold of none."""
    assert len(WAYS) == 4
