"""Several runs on one machine, their launches in turns: what drifts meets all of them alike."""

from collections.abc import Sequence
from contextlib import ExitStack

from suite.results.storage.run_folder import Run
from suite.run.progress.choose import reporter
from suite.run.upgrade.target_environment import PatchedEnvironment
from suite.signals import Signals


def interleave(
    runs: Sequence[Run], variants: Sequence[PatchedEnvironment], signals: Signals
) -> None:
    """Take what is left of every run, each with its variant: ABBA where there are two.

    Raises Interrupted when a signal came; what was measured is kept.
    """
    with ExitStack() as stack:
        sides = [
            (run, stack.enter_context(variant.ready(run)))
            for run, variant in zip(runs, variants, strict=True)
        ]
        for number in range(1, max(run.plan.launches for run in runs) + 1):
            for run, launch in sides if number % 2 else reversed(sides):
                if number > run.plan.launches or run.launch_done(number):
                    continue
                with reporter(run.folder, run.plan, run.records, json=False) as told:
                    launch(number, told)
                signals.check()
