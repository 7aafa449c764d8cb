"""Tables whose numbers lead to the records they come from, ready for a template."""

from collections.abc import Sequence

import msgspec

from reports.text.numbers import Number


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Text that leads to a page."""

    text: str
    href: str


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell. ``exact`` is the number as JSON has it, ``href`` is from the site's root.

    ``links`` stand below it. ``span`` counts the columns that it takes. No ``Number``: most cells
    hold names and other words, and ``number`` sets one that holds a number.
    """

    text: str = "–"
    exact: str = ""
    href: str = ""
    small: str = ""
    bad: bool = False
    links: tuple[Link, ...] = ()
    span: int = 1


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """A table: the first ``words`` columns are text, the first of all heads its row.

    ``label`` says what it holds, also to whom cannot see what stands above it.
    """

    label: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: int = 1


def number(value: Number | None, href: str, small: str = "") -> Cell:
    """Return a measured number with its range over launches, or that it is unknown."""
    if value is None:
        return Cell(text="unknown")
    parts = [part for part in (value.range, small) if part]
    return Cell(text=value.text, exact=value.exact, href=href, small=" · ".join(parts))


def grid(label: str, header: Sequence[str], rows: Sequence[Sequence[Cell]], *, words: int) -> Grid:
    """Return a table without the columns in which no row says anything."""
    whole = [row for row in rows if len(row) == len(header)]
    kept = [
        index
        for index in range(len(header))
        if index < words or not whole or any(row[index] != Cell() for row in whole)
    ]
    lines = []
    for row in rows:
        if len(row) == len(header):
            lines.append(tuple(row[index] for index in kept))
        else:  # what became of it, over all columns but the words before it
            *first, last = row
            rest = len(kept) - len(first)
            lines.append((*first, msgspec.structs.replace(last, span=rest)))
    return Grid(
        label=label,
        header=tuple(header[index] for index in kept),
        rows=tuple(lines),
        words=words,
    )
