"""What ``compare`` found as one page that needs no other."""

from collections.abc import Sequence

from reports.rendering.render import render
from reports.text.blocks import Points, TextRow, table


def verdict_page(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    sentences: Sequence[str],
    verdict: str,
    *,
    good: bool,
) -> str:
    """Return the page: the verdict, the table with these columns, and the sentences."""
    blocks = [
        *([table(header, [TextRow(cells=tuple(row)) for row in rows], words=2)] if rows else []),
        *([Points(texts=tuple(sentences))] if sentences else []),
    ]
    values = {"title": "Candidate vs base", "good": good, "verdict": verdict}
    return render("alone.html", {**values, "blocks": blocks, "root": "", "current": ""})
