"""Markdown from text that strangers may have written: nothing in a cell can become markup."""

import re
from collections.abc import Iterable, Sequence

from reports.text import blocks
from reports.text.blocks import Block, Heading, Points, Prose, Table, TextRow
from suite import units

#: What Markdown and GitHub's extensions (math, HTML) read as more than a letter. A ``#``, a dash
#: or a number means something at the begin of a line only, and a cell never stands there.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~&$])")
#: What forges act on wherever it stands in a text, escaped or not: they link an address, tell
#: whoever is mentioned, and note a mention at the issue or merge request. Not inside code.
#: What follows without a space goes into the code as well: behind it a name would stand alone.
#: Each part begins where no longer one could, and takes all it can: time grows with the length.
_ACTED_ON = re.compile(
    r"""(?xi)
    (?:
    (?<![a-z0-9+.-])[a-z0-9+.-]++://
    | (?<![a-z0-9])(?:www\.|(?:mailto|xmpp):)
    | (?<![\w.+-])[\w.+-]++@[\w-]*+\.[\w-]
    | (?<![a-z0-9])@[a-z0-9]
    | (?<![\w./-])[\w./-]*+[#!$%&]\d
    | (?<![\w./-])[\w./-]++@[0-9a-f]{7,40}\b
    | \bGH-\d
    )
    (?:[^\s|`<>]*[\w@\#!/=-])?
    """
)


def text(value: str) -> str:
    """Return text on one line that Markdown prints as it is, and that links and tells nobody."""
    line = " ".join(units.printable(value).split())
    made, done = [], 0
    for found in _ACTED_ON.finditer(line):
        made += [_SPECIAL.sub(r"\\\1", line[done : found.start()]), f"`{found[0]}`"]
        done = found.end()
    return "".join([*made, _SPECIAL.sub(r"\\\1", line[done:])])


def paragraph(value: str) -> str:
    """Return the same where it begins a line, and may become no heading or list there."""
    line = text(value)
    begins = re.match(r"[-+=#>]|\d{1,9}(?=[.)])", line)
    if begins is None:
        return line
    at = 0 if not begins[0].isdigit() else begins.end()
    return f"{line[:at]}\\{line[at:]}"


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
    return block(blocks.table(header, (TextRow(cells=tuple(row)) for row in rows), words=words))


def block(value: Block) -> str:
    """Return a block as Markdown, without links: there is no page of a record beside it."""
    match value:
        case Prose():
            return paragraph(value.text)
        case Heading():
            return f"**{text(value.text)}**"
        case Points():
            return "\n".join(f"- {paragraph(each)}" for each in value.texts)
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
