"""Where records are kept: one folder a run, written once, appended to, never rewritten.

``RUN/run.json`` is the plan, ``RUN/journal.jsonl`` the records, ``RUN/launch-N.json`` what
pytest-benchmark wrote. ``read`` takes any number of such folders and files together.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal, Self

import msgspec

from suite.catalog.case import Case
from suite.catalog.tier import Loop
from suite.errors import BadInput, WrongMachine
from suite.results import journal
from suite.results.record import SCHEMA, Record, seal
from suite.wire import Struct

PLAN = "run.json"
JOURNAL = "journal.jsonl"
LOCK = ".lock"
TEMPORARY = ".run.json.part"


class Plan(Struct, frozen=True, kw_only=True):
    """What a run set out to do: every case, in order, once a launch. Never changes.

    ``created_at`` is ISO 8601 in UTC, ``argv`` the command line after ``tunebench``.
    """

    schema: int = SCHEMA
    run_id: str
    created_at: str
    suite_version: str
    profile: str
    tier: str
    launches: Annotated[int, msgspec.Meta(ge=1)]
    loop: Loop
    seed: int
    weights: str
    runner: Literal["local", "docker"]
    cases: tuple[Case, ...]
    argv: tuple[str, ...]

    @property
    def total(self) -> int:
        """Return how many records the whole run has: cases times launches."""
        return len(self.cases) * self.launches


class Problem(Struct, frozen=True, kw_only=True):
    """One thing in the input that is not used, or used with care: where, and why."""

    path: str
    reason: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.path}{'' if self.line is None else f':{self.line}'}: {self.reason}"


class Run:
    """One run that this process writes; a context manager that holds the folder's lock."""

    def __init__(self, folder: Path, plan: Plan, records: Iterable[Record], lock: int) -> None:
        self.folder = folder
        self.plan = plan
        self.warnings: tuple[Problem, ...] = ()
        self._records = list(records)
        self._done = {(record.launch, record.case_id) for record in self._records}
        self._lock = lock

    @property
    def records(self) -> tuple[Record, ...]:
        """Return every record so far, in the order written."""
        return tuple(self._records)

    def done(self, launch: int, case_id: str) -> bool:
        """Return whether this case has its record in this launch (1 is the first)."""
        return (launch, case_id) in self._done

    def append(self, record: Record) -> Record:
        """Seal the record, put it on disk, and return it.

        Raises WrongMachine when the disk does not take it, ValueError for a record of another run
        or a second one of the same case and launch.
        """
        if record.run_id != self.plan.run_id:
            raise ValueError(f"record of run {record.run_id} given to run {self.plan.run_id}")
        if self.done(record.launch, record.case_id):
            raise ValueError(f"{record.case_id} has its record in launch {record.launch} already")
        sealed = seal(record)
        journal.append(self.folder / JOURNAL, sealed, safe=len(self._records))
        self._records.append(sealed)
        self._done.add((sealed.launch, sealed.case_id))
        return sealed

    def benchmark_json(self, launch: int) -> Path:
        """Return where pytest-benchmark's own JSON of this launch goes."""
        return self.folder / f"launch-{launch}.json"

    def close(self) -> None:
        """Let go of the folder; a second call does nothing."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def create(folder: Path, plan: Plan) -> Run:
    """Make the folder and write its plan.

    Raises BadInput when there is something in it already, WrongMachine when it cannot be written
    or another process writes it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = sorted({path.name for path in folder.iterdir()} - {LOCK, TEMPORARY})
    except OSError as error:
        raise _cannot_create(folder, error) from error
    if present:
        raise _occupied(folder, present)
    lock = _locked(folder)
    try:
        if (folder / PLAN).exists():  # another process was faster
            raise _occupied(folder, [PLAN])
        _write_atomically(folder, msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")
    except OSError as error:
        os.close(lock)
        raise _cannot_create(folder, error) from error
    except BadInput:
        os.close(lock)
        raise
    return Run(folder, plan, (), lock)


def open_run(folder: Path) -> Run:
    """Open a run to go on with it; half a last line of its journal is set aside.

    What was repaired or cannot be used stands in the run's ``warnings``.
    """
    raise NotImplementedError


class Collection(Struct, frozen=True, kw_only=True):
    """Everything that ``read`` found, each record once.

    ``sources`` maps a ``record_id`` to the file it came from. ``problems`` names whatever was
    left out or needs a reader's eye.
    """

    records: tuple[Record, ...]
    plans: tuple[Plan, ...]
    problems: tuple[Problem, ...]
    sources: dict[str, str]

    def missing(self) -> tuple[tuple[str, int, Case], ...]:
        """Return (run_id, launch, case) of every planned case that has no record."""
        have = {(record.run_id, record.launch, record.case_id) for record in self.records}
        return tuple(
            (plan.run_id, launch, case)
            for plan in self.plans
            for launch in range(1, plan.launches + 1)
            for case in plan.cases
            if (plan.run_id, launch, case.case_id) not in have
        )


def read(paths: Iterable[Path]) -> Collection:
    """Read run folders, published folders, and single journals or record files together.

    Raises BadInput for a path that does not exist and when no record or plan is found at all.
    """
    raise NotImplementedError


def _write_atomically(folder: Path, content: bytes) -> None:
    temporary = folder / TEMPORARY
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / PLAN)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locked(folder: Path) -> int:
    """Take the folder's lock and return its descriptor; the kernel frees it when we die."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise _cannot_create(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise WrongMachine(
            f"{folder}: another process is writing this run", hint="Wait until it has ended."
        ) from error
    return descriptor


def _occupied(folder: Path, present: list[str]) -> BadInput:
    if PLAN in present:
        hint = f"Go on with it: ./tunebench run --resume {folder}, or give another --out."
        return BadInput(f"{folder}: holds a run already", hint=hint)
    return BadInput(f"{folder}: not empty ({present[0]})", hint="Give another --out.")


def _cannot_create(folder: Path, error: OSError) -> WrongMachine:
    return WrongMachine(
        f"{folder}: cannot be written: {error.strerror}", hint="Give another --out."
    )
