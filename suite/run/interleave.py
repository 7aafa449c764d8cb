"""Several runs on one machine, their launches in turns: what drifts meets all of them alike."""

from collections.abc import Sequence

from suite.results.store import Run
from suite.run.launch import launch
from suite.run.overlay import Overlay
from suite.run.progress import reporter
from suite.signals import Signals


def interleave(runs: Sequence[Run], overlays: Sequence[Overlay], signals: Signals) -> None:
    """Take what is left of every run, each with its overlay: ABBA where there are two.

    Raises Interrupted when a signal came; what was measured is kept.
    """
    pairs = list(zip(runs, overlays, strict=True))
    for number in range(1, max(run.plan.launches for run in runs) + 1):
        for run, over in pairs if number % 2 else reversed(pairs):
            if number > run.plan.launches or run.launch_done(number):
                continue
            with (
                over.active(),
                reporter(run.folder, run.plan, run.records, json=False) as told,
            ):
                launch(run, number, told)
            signals.check()
