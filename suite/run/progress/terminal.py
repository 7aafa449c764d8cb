"""Progress on a terminal: one lasting line per finished case, and what runs now below it."""

import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from suite import screen, units
from suite.catalog.case import Case
from suite.results.record import Record
from suite.results.storage.run_folder import Plan
from suite.results.validity.failed import FAILED, why
from suite.run.progress.headline import numbers
from suite.run.progress.reporter import title
from suite.run.progress.time_left import Estimate
from suite.wire import PhaseName, Step

if TYPE_CHECKING:
    from rich.console import RenderableType

#: How often the line below is drawn. It takes 0.3 % of a core, in the process that only waits.
DRAWS_PER_SECOND = 2

MARKS = {"ok": ("✓", "green"), "oom": ("○", "yellow"), "unsupported": ("–", "dim")}


class TerminalReporter:
    """Draws with rich."""

    def __init__(
        self, folder: Path, plan: Plan, records: Iterable[Record], stream: TextIO
    ) -> None:
        from rich.console import Console
        from rich.live import Live

        done = list(records)
        self._title = title(folder, plan, len(done))
        self._estimate = Estimate(plan, done)
        self._width = max(len(case.case_id) for case in plan.cases)
        self._console = Console(file=stream, highlight=False)
        self._head = ""
        self._where = ""
        self._share = 0.0
        self._began: float | None = None
        self._live = Live(
            console=self._console,
            get_renderable=self._now,
            refresh_per_second=DRAWS_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        from rich.text import Text

        self._console.print(Text(screen.line(self._title)), style="bold", soft_wrap=True)
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._began = None
        self._live.stop()

    def case_begun(self, case: Case, number: int, total: int, launch: int, launches: int) -> None:
        """Show which case of how many."""
        again = f"  repeat {launch} of {launches}" if launches > 1 else ""
        self._head = screen.line(f"[{number}/{total}] {case.case_id}{again}")
        self._where, self._share = "start", 0.0
        self._began = time.monotonic()

    def phase_begun(self, name: PhaseName) -> None:
        """Show the phase."""
        self._where = name.replace("_", " ")

    def step_done(self, step: Step, done: int, planned: int) -> None:
        """Show how many steps are done."""
        self._where = f"step {done} of at most {planned}"
        self._share = min(done / planned, 1.0)

    def case_ended(self, record: Record) -> None:
        """Print its lasting line, cut to the terminal's width."""
        from rich.text import Text

        self._estimate.ended(record)
        self._began = None
        mark, colour = MARKS.get(record.outcome, ("✗", "red"))
        if record.outcome not in FAILED and record.outcome not in MARKS:
            mark, colour = MARKS["unsupported"]
        parts = numbers(record) if record.outcome == "ok" else [why(record)]
        head = f" {record.case_id:<{self._width}}  "
        room = self._console.width - 1 - len(head)
        while len(parts) > 1 and len("  ".join(parts)) > room:
            parts.pop()
        line = Text.assemble((mark, colour), screen.line(head + "  ".join(parts)))
        self._console.print(line, no_wrap=True, overflow="ellipsis", crop=True)

    def _now(self) -> "RenderableType":
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if self._began is None:
            return Text("")
        elapsed = time.monotonic() - self._began
        left = self._estimate.seconds_left(elapsed)
        rest = "" if left is None else f"about {units.clock(left)} left"
        row = Table.grid(padding=(0, 2))
        row.add_row(
            Text(f"  {self._where}"),
            ProgressBar(total=1.0, completed=self._share, width=20),
            Text(units.clock(elapsed), style="cyan"),
            Text(rest, style="dim"),
        )
        return Group(Text(self._head, no_wrap=True, overflow="ellipsis"), row)
