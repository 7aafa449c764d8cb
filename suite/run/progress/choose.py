"""Which reporter: by where standard output goes."""

import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from suite.results.record import Record
from suite.results.storage.run_folder import Plan
from suite.run.progress.reporter import JsonReporter, PlainReporter, RunReporter
from suite.run.progress.terminal import TerminalReporter


def reporter(folder: Path, plan: Plan, records: Iterable[Record], *, json: bool) -> RunReporter:
    """Return the one for where standard output goes."""
    stream = own_stream(sys.stdout)
    if json:
        return JsonReporter(folder, plan, records, stream)
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        return TerminalReporter(folder, plan, records, stream)
    return PlainReporter(folder, plan, records, stream)


def own_stream(stream: TextIO) -> TextIO:
    """Return a second way to the same place, which pytest's capturing does not redirect."""
    try:
        descriptor = os.dup(stream.fileno())
    except io.UnsupportedOperation:
        return stream
    return os.fdopen(descriptor, "w", buffering=1, encoding=stream.encoding, errors="replace")
