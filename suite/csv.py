"""CSV whose cells no spreadsheet runs, as OWASP advises: https://owasp.org/www-community/attacks/CSV_Injection.

A text that begins as a formula gets an apostrophe before it, which makes it text; numbers stay
numbers. Text that could be split into two cells, also where another separator is usual, is quoted.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from suite import screen

Cell = str | int | float | None

#: Spreadsheets run what begins so; the wide forms are those of Japanese and Chinese input.
_RUN = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
#: What lies between two cells for a program that splits elsewhere, or knows no quotes.
_BETWEEN = re.compile(rf"(?<![;|,\s\"'])[;|,\s\"']++(?=[{re.escape(''.join(_RUN))}])")
_QUOTED = re.compile(r"[\",;|'=\s]")


def text(rows: Sequence[Mapping[str, Cell]]) -> str:
    """Return a header and the rows; empty without rows. None is an empty cell."""
    if not rows:
        return ""
    return lines([tuple(rows[0]), *(tuple(row[name] for name in rows[0]) for row in rows)])


def lines(rows: Iterable[Sequence[Cell]]) -> str:
    """Return rows of cells as they are, a line each."""
    return "".join(",".join(map(_cell, row)) + "\n" for row in rows)


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    shown = defused(value)
    if not _QUOTED.search(shown):
        return shown
    doubled = shown.replace('"', '""')
    return f'"{doubled}"'


def defused(value: str) -> str:
    """Return text that is no formula; what began as one begins with an apostrophe.

    So does what comes after a separator inside the text: a program that splits there (Excel does
    at semicolons where commas are for decimals) takes no quote in the middle of a line for one.
    Space before it counts for nothing, since some programs drop it. Tabs and carriage returns
    become spaces, as what commands a terminal does; a line's end stays, in quotes.
    """
    plain = _BETWEEN.sub(_marked, screen.lines(value).replace("\t", " "))
    begins = plain.lstrip()
    if begins.startswith(_RUN) and not _NUMBER.fullmatch(begins):
        return f"'{plain}"
    return plain


def _marked(between: re.Match[str]) -> str:
    return f"{between[0]}'" if set(between[0]) & set(";|,\n") else between[0]
