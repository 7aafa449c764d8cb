"""What ``compare`` found as one page that needs no other."""

from collections.abc import Sequence

from reports.blocks import Points, Row, table
from reports.templates import render


def verdict_page(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    sentences: Sequence[str],
    failures: Sequence[str],
) -> str:
    """Return the page: the table with these columns, the sentences, and whether a gate fails."""
    verdict = f"A gate fails: {'; '.join(failures)}." if failures else "A gate passes."
    blocks = [
        *([table(header, [Row(cells=tuple(row)) for row in rows], words=2)] if rows else []),
        *([Points(texts=tuple(sentences))] if sentences else []),
    ]
    values = {"title": "Candidate against base", "good": not failures, "verdict": verdict}
    return render("alone.html", {**values, "blocks": blocks, "root": "", "current": ""})
