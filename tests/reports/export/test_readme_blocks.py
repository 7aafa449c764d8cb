"""What documents show of the published results is what the results say now."""

import re
from pathlib import Path

import pytest

from reports.export import readme_blocks
from suite.errors import BadInput

BLOCK = r"^<!-- generated: "


@pytest.mark.parametrize(
    "place", readme_blocks.DOCUMENTS, ids=lambda p: str(p.relative_to(readme_blocks.ROOT))
)
def test_generated_blocks_are_current(place: Path) -> None:
    """A published run without ``tox -e readme``, or an edit inside a block, fails here."""
    text = place.read_text(encoding="utf-8")
    assert "<!-- generated: " in text
    assert readme_blocks.fresh(text) == text


def test_the_readme_begins_with_what_the_published_results_say() -> None:
    """No table stands before the findings of all results, and nothing else is generated there."""
    text = readme_blocks.DOCUMENTS[0].read_text(encoding="utf-8")
    before = text[: text.index("\n| --- |")]
    command = "./tunebench export reports/results --format markdown --table findings"
    assert f"<!-- generated: {command} -->" in before
    assert text.count("<!-- generated: ") == 1


def test_every_document_with_a_block_is_looked_at() -> None:
    """A block in a document that nobody listed would grow stale unseen."""
    root = readme_blocks.ROOT
    found = [*root.glob("*.md"), *root.glob("*/*.md"), *root.glob("reports/*/*.md")]
    marked = {p for p in found if re.search(BLOCK, p.read_text(encoding="utf-8"), re.MULTILINE)}
    assert marked == set(readme_blocks.DOCUMENTS)


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
