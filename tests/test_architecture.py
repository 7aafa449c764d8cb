"""What docs/architecture.md says is there, is there."""

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
