"""What documents show of the published results is what the results say now."""

from pathlib import Path

import pytest

from reports.export import readme_blocks
from suite.errors import BadInput


@pytest.mark.parametrize(
    "place", readme_blocks.DOCUMENTS, ids=lambda p: str(p.relative_to(readme_blocks.ROOT))
)
def test_generated_blocks_are_current(place: Path) -> None:
    """A published run without ``tox -e readme``, or an edit inside a block, fails here."""
    text = place.read_text(encoding="utf-8")
    assert "<!-- generated: " in text
    assert readme_blocks.fresh(text) == text


def test_the_first_table_of_the_readme_is_of_published_results() -> None:
    """No other table stands before the block that an export makes."""
    text = readme_blocks.DOCUMENTS[0].read_text(encoding="utf-8")
    before = text[: text.index("\n| --- |")]
    assert "<!-- generated: ./tunebench export reports/results/" in before
    assert "<!-- /generated -->" not in before


def test_only_the_block_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text around it stays, stale content goes, and a reader sees the command."""
    monkeypatch.setattr(readme_blocks, "output", lambda command: f"of {command}\n")
    text = "before\n<!-- generated: X -->\nold\n<!-- /generated -->\nafter\n"
    made = readme_blocks.fresh(text)
    assert made == (
        "before\n<!-- generated: X -->\n\nof X\n\nMade by `X`.\n\n<!-- /generated -->\nafter\n"
    )
    assert readme_blocks.fresh(made) == made


@pytest.mark.parametrize(
    ("command", "reason"),
    [("rm -rf x", "not a command"), ("./tunebench export nowhere", "no such file or folder")],
)
def test_another_command_and_one_that_fails_are_refused(command: str, reason: str) -> None:
    """A document cannot make this run anything, nor hide that a block could not be made."""
    with pytest.raises(BadInput, match=reason):
        readme_blocks.output(command)
