"""What a section is made of, before it is Markdown or HTML: prose, headings, lists, tables."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec

from reports.text.columns import aligned


class Prose(msgspec.Struct, frozen=True, kw_only=True):
    """One paragraph of plain text."""

    kind: ClassVar = "prose"

    text: str


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """What the blocks after it are about."""

    kind: ClassVar = "heading"

    text: str


class Points(msgspec.Struct, frozen=True, kw_only=True):
    """A list of sentences."""

    kind: ClassVar = "points"

    texts: tuple[str, ...]


class TextRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of plain texts; ``page`` is that of the record it comes from, "" without one."""

    cells: tuple[str, ...]
    page: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose first ``words`` columns are text; the rest are figures or short words."""

    kind: ClassVar = "table"

    header: tuple[str, ...]
    rows: tuple[TextRow, ...]
    words: int = 1


Block = Prose | Heading | Points | Table


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Blocks under a title; none where there is nothing to say."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def table(header: Sequence[str], rows: Iterable[TextRow], *, words: int = 1) -> Table:
    """Return a table without the columns that are empty in every row.

    Quantities of a column are written in one unit, with equal decimals.
    Raises ValueError where a row has more or fewer cells than the header.
    """
    listed = list(rows)
    odd = next((row for row in listed if len(row.cells) != len(header)), None)
    if odd is not None:  # every column from there on would be under a wrong head
        raise ValueError(f"{len(odd.cells)} cells under {len(header)} heads: {odd.cells}")
    columns = [aligned([row.cells[index] for row in listed]) for index in range(len(header))]
    kept = [index for index in range(len(header)) if any(row.cells[index] for row in listed)]
    return Table(
        header=tuple(header[index] for index in kept),
        rows=tuple(
            TextRow(cells=tuple(columns[index][place] or "–" for index in kept), page=row.page)
            for place, row in enumerate(listed)
        ),
        words=words,
    )
