"""What ``run`` and ``quickstart`` share: carry out a run, say how it went."""

import shlex
import sys
from collections.abc import Iterable

from suite import units
from suite.console import tables
from suite.errors import EXIT_CASES, EXIT_INTERRUPTED, EXIT_OK, SuiteError
from suite.results.record import Record
from suite.results.storage.run_folder import Run, own_weights
from suite.results.validity.failed import failures
from suite.run.execute import execute
from suite.run.progress.choose import reporter
from suite.run.progress.reporter import JsonReporter
from suite.signals import Interrupted, Signals


def measure(run: Run, signals: Signals, *, json: bool) -> int:
    """Run what is left of a plan, print the summary, and return the exit code."""
    tables.warn(run.problems)
    code = EXIT_OK
    with reporter(run.folder, run.plan, run.records, json=json) as told:
        try:
            execute(run, told, signals)
        except KeyboardInterrupt as interruption:
            code = EXIT_INTERRUPTED
            if isinstance(interruption, Interrupted):
                code = interruption.exit_code
        except SuiteError as error:
            if resume_command(run) not in error.hint:
                error.hint = f"{error.hint} {_safe(run)}".strip()
            raise
    tables.warn(_doubts(run.records))
    interrupted = code != EXIT_OK
    failed = failures(run.records)
    if failed and not interrupted:
        code = EXIT_CASES
    if isinstance(told, JsonReporter):
        told.event(
            "run-ended",
            folder=str(run.folder),
            records=len(run.records),
            planned=run.plan.total,
            failed=[
                {"case_id": record.case_id, "launch": record.launch, "reason": reason}
                for record, reason in failed
            ],
            exit_code=code,
        )
    elif run.records:
        from suite.console import run_summary

        print()
        run_summary.show(run.records)
        print()
    if interrupted:
        sys.stdout.flush()
        print(f"tunebench: interrupted; {_safe(run)}", file=sys.stderr)
    return code


def _doubts(records: Iterable[Record]) -> list[str]:
    """Return what was found on the machine that may mislead a reader, each finding once."""
    found = (finding for record in records for finding in record.environment.preflight)
    doubts = (f"{one.name}: {one.detail}" for one in found if one.status == "warn")
    return list(dict.fromkeys(doubts))


def _safe(run: Run) -> str:
    done = f"{len(run.records)} of {run.plan.total} results are safe in {run.folder}"
    return f"{done}; go on with: {resume_command(run)}"


def resume_command(run: Run) -> str:
    """Return what to type to go on with a run."""
    weights = f" --weights {shlex.quote(run.plan.weights)}" if own_weights(run.plan) else ""
    return f"./tunebench run --resume {shlex.quote(str(run.folder))}{weights}"


def kept(run: Run) -> str:
    """Return how many results there are, and how many of them failed."""
    failed = len(failures(run.records))
    return f"{units.counted(len(run.records), 'result')}{f', {failed} failed' if failed else ''}"
