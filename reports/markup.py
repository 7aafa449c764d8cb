"""Markdown from text that strangers may have written: nothing in a cell can become markup."""

import re
from collections.abc import Iterable, Sequence

from reports import blocks
from reports.blocks import Block, Heading, Points, Prose, Row, Table
from suite import units

#: What Markdown and GitHub's extensions (math, HTML) read as more than a letter. A ``#``, a dash
#: or a number means something at the begin of a line only, and a cell never stands there.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~&$])")


def text(value: str) -> str:
    """Return text on one line that Markdown prints as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(units.printable(value).split()))


def code(value: str) -> str:
    """Return one line as inline code, whatever backticks are in it; not for table cells."""
    line = " ".join(units.printable(value).split())
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """Return a table of plain texts, all but the first ``words`` columns aligned to the right.

    A column that is empty in every row is left out.
    """
    return block(blocks.table(header, (Row(cells=tuple(row)) for row in rows), words=words))


def block(value: Block) -> str:
    """Return a block as Markdown, without links: there is no page of a record beside it."""
    match value:
        case Prose():
            return text(value.text)
        case Heading():
            return f"**{text(value.text)}**"
        case Points():
            return "\n".join(f"- {text(each)}" for each in value.texts)
        case Table():
            columns = range(len(value.header))
            lines = [
                _line(value.header),
                _bare(["---" if index < value.words else "---:" for index in columns]),
                *(_line(row.cells) for row in value.rows),
            ]
            return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return _bare([text(cell) for cell in cells])


def _bare(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
