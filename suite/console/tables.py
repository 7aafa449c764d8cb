"""Tables for people: rich on a terminal, aligned columns in a pipe; sentences and warnings."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from suite import screen


def show(headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "") -> None:
    """Print a table; ``right`` names, space-separated, the columns aligned to the right.

    A header may not hold a space. Empty cells stay empty; nothing is cut in a pipe.
    """
    numeric = [header in right.split() for header in headers]
    if sys.stdout.isatty():
        _rich(headers, rows, numeric)
        return
    cells = [list(headers), *[[screen.line(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    for row in cells:
        aligned = (
            f"{cell:>{width}}" if number else f"{cell:<{width}}"
            for cell, width, number in zip(row, widths, numeric, strict=True)
        )
        print("  ".join(aligned).rstrip())


def say(text: str) -> None:
    """Print a sentence: wrapped at words on a terminal, one line in a pipe."""
    text = screen.line(text)
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        text = textwrap.fill(text, width, subsequent_indent="  ", break_on_hyphens=False)
    print(text)


def warn(problems: Iterable[object]) -> None:
    """Print what could not be used of the input, a line each on standard error."""
    for problem in problems:
        print(f"tunebench: warning: {screen.line(str(problem))}", file=sys.stderr)


def _rich(headers: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for column, (header, number) in enumerate(zip(headers, numeric, strict=True)):
        table.add_column(
            header,
            justify="right" if number else "left",
            no_wrap=column == 0 or number,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(screen.line(cell)) for cell in row))
    Console(file=screen.raw(sys.stdout), highlight=False).print(table)
