"""Where records are kept: one folder a run, written once, appended to, never rewritten.

``RUN/run.json`` is the plan, ``RUN/journal.jsonl`` the records, ``RUN/launch-N.json`` what
pytest-benchmark wrote. ``read`` takes any number of such folders and files together.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from suite.errors import BadInput, SuiteError, WrongMachine
from suite.results import collection, decode, journal
from suite.results.collection import JOURNAL, PLAN, Collection, read
from suite.results.plan import Plan
from suite.results.problems import Problem
from suite.results.record import Record, seal

__all__ = ["JOURNAL", "PLAN", "Collection", "Plan", "Problem", "Run", "create", "open_run", "read"]

LOCK = ".lock"
TEMPORARY = ".run.json.part"


class Run:
    """One run that this process writes; a context manager that holds the folder's lock."""

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        records: Iterable[Record],
        lock: ExitStack,
        problems: tuple[Problem, ...] = (),
    ) -> None:
        self.folder = folder
        self.plan = plan
        self.problems = problems
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

    def launch_done(self, launch: int) -> bool:
        """Return whether every case has its record in this launch."""
        return all(self.done(launch, case.case_id) for case in self.plan.cases)

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

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Let another process write this run meanwhile; its records are ours afterwards.

        Raises WrongMachine when the folder cannot be had back. Where an error is on its way, that
        one is raised instead, and the run is closed.
        """
        self._lock.close()
        try:
            yield
        except BaseException:
            with suppress(SuiteError):
                self._take_back()
            raise
        self._take_back()

    def _take_back(self) -> None:
        again = open_run(self.folder)
        self._records, self._done, self._lock = again._records, again._done, again._lock
        self.problems = (*self.problems, *again.problems)

    def close(self) -> None:
        """Let go of the folder; a second call does nothing."""
        self._lock.close()

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
        raise _cannot_write(folder, error) from error
    if present:
        raise _occupied(folder, present)
    with _writing(folder) as lock:
        if (folder / PLAN).exists():  # another process was faster
            raise _occupied(folder, [PLAN])
        _write_atomically(folder, msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")
        return Run(folder, plan, (), lock.pop_all())


def open_run(folder: Path) -> Run:
    """Open a run to go on with it; half a last line of its journal is set aside.

    What was repaired or cannot be used stands in the run's ``problems``; such a case is run
    again. Raises BadInput when there is no run or its plan cannot be used, WrongMachine when
    another process writes it or the folder cannot be written.
    """
    plan = read_plan(folder)
    with _writing(folder) as lock:
        done = None
        if (folder / JOURNAL).is_file():
            done = journal.repair(folder / JOURNAL)
        found = collection.read([folder])
        repaired = (Problem(path=str(folder / JOURNAL), reason=done),) if done else ()
        return Run(folder, plan, found.records, lock.pop_all(), (*repaired, *found.problems))


def read_plan(folder: Path) -> Plan:
    """Return a run's plan; raises BadInput when there is no run or its plan cannot be used."""
    path = folder / PLAN
    if not path.is_file():
        hint = "" if folder.is_dir() else f"There is no folder {folder}."
        raise BadInput(f"{folder}: no run to go on with: {PLAN} is missing", hint=hint)
    try:
        return decode.document(path.read_bytes(), Plan)
    except decode.Unusable as why:
        raise BadInput(f"{path}: {why}") from why
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


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


@contextmanager
def _writing(folder: Path) -> Iterator[ExitStack]:
    """Hold the folder's lock, let go unless the stack is taken; say which folder failed."""
    with ExitStack() as stack:
        try:
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # freed when we die
            yield stack
        except BlockingIOError as error:
            raise WrongMachine(
                f"{folder}: another process is writing this run", hint="Wait until it has ended."
            ) from error
        except OSError as error:
            raise _cannot_write(folder, error) from error


def _occupied(folder: Path, present: list[str]) -> BadInput:
    if PLAN in present:
        hint = f"Go on with it: ./tunebench run --resume {folder}, or give another --out."
        return BadInput(f"{folder}: holds a run already", hint=hint)
    return BadInput(f"{folder}: not empty ({present[0]})", hint="Give another --out.")


def _cannot_write(folder: Path, error: OSError) -> WrongMachine:
    return WrongMachine(
        f"{folder}: cannot be written: {error.strerror}",
        hint="Free space, make it writable, or give another folder.",
    )
