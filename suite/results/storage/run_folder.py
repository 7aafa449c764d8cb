"""Where records are kept: one folder a run, written once, appended to, never rewritten.

``RUN/run.json`` is the plan, ``RUN/journal.jsonl`` the records, ``RUN/launch-N.json`` what
pytest-benchmark wrote. ``read`` takes any number of such folders and files together.
"""

import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from suite.errors import BadInput, SuiteError, WrongMachine
from suite.results.plan import Plan
from suite.results.record import Record, seal
from suite.results.storage import decode, journal, safe_files
from suite.results.storage import reader as collection
from suite.results.storage.budget import Budget
from suite.results.storage.folder import Folder, open_folder, writing
from suite.results.storage.problems import Problem
from suite.results.storage.reader import JOURNAL, PLAN, Collection, read

__all__ = ["JOURNAL", "PLAN", "Collection", "Plan", "Problem", "Run", "create", "open_run", "read"]

LOCK = ".lock"
TEMPORARY = f".{PLAN}.part"
COMPILED = "compiled"  #: the folder of what engines compile: ``suite.run.case.compile_cache``


class Run:
    """One run that this process writes; a context manager that holds the folder's lock."""

    def __init__(
        self,
        place: Folder,
        plan: Plan,
        records: Iterable[Record],
        lock: ExitStack,
        problems: tuple[Problem, ...] = (),
    ) -> None:
        self.place = place  #: where all files of the run are written; closed with the run
        self.folder = place.path
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
            raise ValueError(
                f"record of session {record.run_id} given to session {self.plan.run_id}"
            )
        if self.done(record.launch, record.case_id):
            raise ValueError(f"{record.case_id} has its record in repeat {record.launch} already")
        sealed = seal(record)
        journal.append(self.place, JOURNAL, sealed, safe=len(self._records))
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
        again = open_run(self.folder, known=True)
        self.place, self._lock = again.place, again._lock
        self._records, self._done = again._records, again._done
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
    with _writing(folder, make=True) as (place, lock):
        _refuse_occupied(place)  # once more: another process may have been faster
        place.write(PLAN, msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")
        return Run(place, plan, (), lock.pop_all())


def open_run(folder: Path, *, weights: str | None = None, known: bool = False) -> Run:
    """Open a run to go on with it; half a last line of its journal is set aside.

    What was repaired or cannot be used stands in the run's ``problems``; such a case is run
    again. Raises BadInput when there is no run, its plan cannot be used, or the folder is another
    user's or holds links, and where something is left to run with weights of a folder other than
    ``weights``: a plan may come from anybody, and names any place of this machine. Where it is
    ``known`` already neither is looked at (a container may call users otherwise). Raises
    WrongMachine when another process writes it or the folder cannot be written.
    """
    plan = read_plan(folder)
    with _writing(folder, known=known) as (place, lock):
        done = None
        if place.kind(JOURNAL) is not None:
            done = journal.repair(place, JOURNAL)
        collected = collection.read([folder])
        if len(collected.records) < plan.total and not known:
            _confirm(folder, plan, weights)
        repaired = (Problem(path=str(folder / JOURNAL), reason=done),) if done else ()
        return Run(
            place, plan, collected.records, lock.pop_all(), (*repaired, *collected.problems)
        )


def read_plan(folder: Path) -> Plan:
    """Return a run's plan; raises BadInput when there is no run or its plan cannot be used."""
    path = folder / PLAN
    if not path.is_file():
        hint = "" if folder.is_dir() else f"There is no folder {folder}."
        raise BadInput(f"{folder}: no session to go on with: {PLAN} is missing", hint=hint)
    try:
        return decode.document(safe_files.content(path, folder, Budget()), Plan)
    except decode.Unusable as why:
        raise BadInput(f"{path}: {why}") from why


def own_weights(plan: Plan) -> bool:
    """Return whether a plan reads its weights from a folder of the machine."""
    return plan.weights not in ("dummy", "hub")


def _confirm(folder: Path, plan: Plan, weights: str | None) -> None:
    if not own_weights(plan) or (weights and str(Path(weights).resolve()) == plan.weights):
        return
    asked = f"--resume {shlex.quote(str(folder))} --weights {shlex.quote(plan.weights)}"
    raise BadInput(
        f"{folder}: its plan reads weights from {plan.weights!r}, a place of this machine",
        hint=f"If you chose that, confirm it: ./tunebench run {asked}",
    )


@contextmanager
def _writing(
    folder: Path, *, make: bool = False, known: bool = False
) -> Iterator[tuple[Folder, ExitStack]]:
    """Hold the folder and its lock, let go unless the stack is taken; say which folder failed."""
    with ExitStack() as stack, writing(folder):
        try:
            place = stack.enter_context(open_folder(folder, make=make))
            if make:
                _refuse_occupied(place)
            elif not known:
                place.refuse_strangers(COMPILED)
            stack.callback(os.close, place.locked(LOCK))  # freed when we die, too
            yield place, stack
        except BlockingIOError as error:
            raise WrongMachine(
                f"{folder}: another process is writing this session",
                hint="Wait until it has ended.",
            ) from error


def _refuse_occupied(place: Folder) -> None:
    present = sorted(set(place.names()) - {LOCK, TEMPORARY})
    if PLAN in present:
        hint = f"Go on with it: ./tunebench run --resume {place.path}, or give another --out."
        raise BadInput(f"{place.path}: has a session already", hint=hint)
    if present:
        raise BadInput(f"{place.path}: not empty ({present[0]})", hint="Give another --out.")
