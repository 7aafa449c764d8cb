"""Carry out a plan: every launch, every case that has no record yet."""

from suite.results.storage.run_folder import Run
from suite.run.progress.reporter import Reporter
from suite.signals import Signals


def execute(run: Run, reporter: Reporter, signals: Signals) -> None:
    """Run what is left of the plan; raises Interrupted when a signal came."""
    if len(run.records) >= run.plan.total:
        return
    if run.plan.runner == "docker":
        from suite.run.containers import launches

        launches.execute(run, reporter, signals)
        return
    from suite.run.machine.installed import training_packages
    from suite.run.pytest_front.drive import run_launch

    training_packages()
    for number in range(1, run.plan.launches + 1):
        if run.launch_done(number):
            continue
        run_launch(run, number, reporter)
        signals.check()
