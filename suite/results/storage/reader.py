"""Read results of any number of runs together; whatever cannot be used is named, not fatal."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from suite import units
from suite.catalog import names
from suite.catalog.case import Case
from suite.errors import BadInput
from suite.results.fidelity import FidelityFile
from suite.results.plan import Plan
from suite.results.record import Record
from suite.results.storage import budget, decode, safe_files
from suite.results.storage.budget import Budget
from suite.results.storage.compact import Compact
from suite.results.storage.problems import Problem, Problems
from suite.results.storage.walk import walk
from suite.wire import Struct

PLAN = "run.json"
JOURNAL = "journal.jsonl"
FIDELITY = "fidelity.json"
NOISE = "noise.json"  #: computed from the records of a folder (``suite.results.scatter.noise``)
MOST_BAD_LINES = 20  #: of one file that are named one by one; the others are counted


class Collection(Struct, frozen=True, kw_only=True):
    """Everything that ``read`` found, each record once, in the order of the input.

    ``sources`` maps a ``record_id`` to the file it came from. ``fidelities`` are what lies beside
    published runs of how the suite compares with a bare script.
    """

    records: tuple[Record, ...]
    plans: tuple[Plan, ...]
    problems: tuple[Problem, ...]
    sources: dict[str, str]
    fidelities: tuple[FidelityFile, ...] = ()

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


NO_RESULTS = "a folder without results"
NOTHING_YET = "no case has ended yet"


def read(
    paths: Iterable[Path],
    *,
    may_be_empty: bool = False,
    look: Callable[[Record], object] | None = None,
) -> Collection:
    """Read run folders, folders of records, and single journals or record files together.

    ``look`` is called with each record as it comes. The one that is kept then has no telemetry,
    nine tenths of it, but all that ``once`` computed in that look.
    Raises BadInput for a path that does not exist, and when all paths together hold neither a
    record nor a plan, unless that ``may_be_empty``.
    """
    reader = _Reader(look)
    given = list(paths)
    for path in given:
        reader.add(path)
    collection = reader.collection()
    if not collection.records and not collection.plans and not may_be_empty:
        places = ", ".join(str(path) for path in given) or "nothing given"
        why = "".join(f"\n  {problem}" for problem in collection.problems[:10])
        raise BadInput(
            f"no results found in {places}{why}",
            hint="Give the folder of a session (with run.json and journal.jsonl) or record files.",
        )
    return collection


class _Reader:
    def __init__(self, look: Callable[[Record], object] | None) -> None:
        self.look = look
        self.records: dict[str, Record] = {}
        self.plans: dict[str, tuple[Plan, Path]] = {}
        self.problems = Problems()
        self.sources: dict[str, str] = {}
        self.places: dict[tuple[str, int, str], str] = {}
        self.repeated: dict[Path, int] = {}
        self.fidelities: list[FidelityFile] = []
        self.compact = Compact()
        self.left = Budget()
        self.root = Path()  #: what was given; links may not lead out of it

    def collection(self) -> Collection:
        for path, count in self.repeated.items():
            reason = f"{units.counted(count, 'record')} read before, counted once"
            self.problems.add(path, reason)
        return Collection(
            records=tuple(self.records.values()),
            plans=tuple(plan for plan, _ in self.plans.values()),
            problems=self.problems.all(),
            sources=self.sources,
            fidelities=tuple(self.fidelities),
        )

    def add(self, path: Path) -> None:
        self.root = path
        if path.is_dir():
            self._folder(path)
        elif path.is_file():
            self._file(path)
        elif path.exists():
            raise BadInput(f"{path}: neither a file nor a folder")
        else:
            raise BadInput(f"{path}: no such file or folder")

    def _folder(self, folder: Path) -> None:
        if _is_run(folder):
            self._run(folder)
            return
        before = self.problems.count, len(self.records), len(self.plans)
        for here, folders, found in walk(folder, self.problems.add):
            for name in sorted(folders):
                self._check_folder(here / name)
            runs = [n for n in folders if _is_run(here / n) and not self._leads_out(here / n)]
            folders[:] = sorted(set(folders) - set(runs) - {n for n in folders if n[0] == "."})
            for name in sorted(runs):
                self._run(here / name)
            found = [name for name in found if name.endswith((".json", ".jsonl"))]
            for name in sorted(found):
                if not self.left.opens():
                    self.problems.add(here, budget.FILES_SPENT)
                    return
                if name == FIDELITY:
                    self._fidelity(here / name)
                elif name != NOISE:
                    self._file(here / name)
        if before == (self.problems.count, len(self.records), len(self.plans)):
            self.problems.add(folder, NO_RESULTS)

    def _check_folder(self, folder: Path) -> None:
        """Say what would be passed over without a word."""
        if self._leads_out(folder):
            self.problems.add(folder, "a link to a place outside the folder; give it by itself")
        elif folder.suffix in (".json", ".jsonl"):
            self.problems.add(folder, "a folder with the name of a file")

    def _leads_out(self, path: Path) -> bool:
        return path.is_symlink() and safe_files.leads_out(path, self.root)

    def _run(self, folder: Path) -> None:
        plan = None
        if (folder / PLAN).is_file():
            plan = self._plan(folder / PLAN)
            if plan is not None and self.plans.get(plan.run_id, (plan,))[0] != plan:
                return
        else:
            self.problems.add(folder, f"{PLAN} is missing; its records are used all the same")
        if os.path.lexists(folder / JOURNAL):
            self._lines(folder / JOURNAL, plan)
        else:
            self.problems.add(folder, f"no {JOURNAL}: {NOTHING_YET}")

    def _file(self, path: Path) -> None:
        if path.suffix != ".json":
            self._lines(path, None)
            return
        try:
            content = safe_files.content(path, self.root, self.left)
            if (record := decode.as_written(content)) is None:
                self._look_closely(content)
                keys = decode.keys(content)
                if "cases" in keys:
                    self._plan(path, content)
                    return
                if {"benchmarks", "machine_info"} <= keys:
                    reason = "pytest-benchmark's own file; the records are in"
                    self.problems.add(path, f"{reason} {JOURNAL} beside it")
                    return
                record = decode.otherwise(content, Record)
            if why := self._record(path, None, record, len(content)):
                self.problems.add(path, why)
        except decode.Unusable as failure:
            self.problems.add(path, str(failure))

    def _look_closely(self, document: bytes) -> None:
        """Take a document from the budget of those that tunebench did not write this way."""
        if not self.left.looks_closely:
            raise decode.Unusable(budget.ODD_SPENT)
        self.left.odd(len(document))

    def _fidelity(self, path: Path) -> None:
        content = b""
        try:
            content = safe_files.content(path, self.root, self.left)
            self._look_closely(content)
            found = msgspec.json.decode(content, type=FidelityFile)
        except RecursionError:
            why = "nested too deeply"
        except msgspec.ValidationError as error:
            why = names.explained(error, decode.tree(content))
        except (msgspec.DecodeError, UnicodeDecodeError, decode.Unusable) as error:
            why = str(error)
        else:
            if found not in self.fidelities:
                self.fidelities.append(found)
            return
        self.problems.add(path, f"not a valid fidelity file: {why}")

    def _plan(self, path: Path, content: bytes | None = None) -> Plan | None:
        """Read a plan and keep it unless another run of that id was kept before."""
        try:
            if content is None:
                content = safe_files.content(path, self.root, self.left)
                self._look_closely(content)
            plan = decode.document(content, Plan)
        except decode.Unusable as why:
            self.problems.add(path, str(why))
            return None
        if plan.run_id not in self.plans:
            if not self.left.keeps(len(content)):
                self.problems.add(path, budget.KEPT_SPENT)
                return plan
            if not self.left.plans(plan.total):
                self.problems.add(path, budget.PLANNED_SPENT)
                return plan
        kept, place = self.plans.setdefault(plan.run_id, (plan, path))
        if kept != plan:
            reason = f"a different session with the same id {plan.run_id!r} was read from {place}"
            self.problems.add(path, f"{reason}; this one is left out")
        return plan

    def _lines(self, path: Path, plan: Plan | None) -> None:
        number = bad = unnamed = 0
        try:
            for number, line in safe_files.lines(path, self.root, self.left):
                say = bad < MOST_BAD_LINES and self.problems.names
                why = self._line(path, number, line, plan, say=say)
                if why is None:
                    continue
                bad += 1
                if say:
                    self.problems.add(path, why, number)
                else:
                    unnamed += 1
        except decode.Unusable as failure:
            self.problems.add(path, str(failure))
            number = number or 1  # not empty, whatever it is
        if unnamed:
            rest = units.counted(unnamed, "more line")
            self.problems.add(path, f"and {rest} cannot be used", stands_for=unnamed)
        if number == 0:
            self.problems.add(path, f"empty: {NOTHING_YET}")

    def _line(
        self, path: Path, number: int, line: bytes, plan: Plan | None, *, say: bool
    ) -> str | None:
        """Use one line of a journal; return why it cannot be used, or None.

        Without ``say`` the reason may be empty: nobody will read it.
        """
        try:
            record = decode.as_written(line)
            if record is None:
                self._look_closely(line)
                record = decode.otherwise(line, Record, say=say)
        except decode.Unusable as why:
            cut = "" if line.endswith(b"\n") else "the last line is cut off, ignored: "
            return f"{cut}{why}"
        if plan is not None and record.run_id != plan.run_id:
            return (
                f"a record of session {record.run_id!r} in the folder of {plan.run_id!r}; left out"
            )
        return self._record(path, number, record, len(line))

    def _record(self, path: Path, line: int | None, record: Record, size: int) -> str | None:
        """Keep a record unless it was read before; return why it cannot be kept, or None."""
        if record.record_id in self.records:
            self.repeated[path] = self.repeated.get(path, 0) + 1
            return None
        key = (record.run_id, record.launch, record.case_id)
        if key in self.places:
            reason = f"another record of {record.case_id}, repeat {record.launch}, session"
            place = self.places[key]
            return f"{reason} {record.run_id!r} was read from {place}; this one is left out"
        bare = record
        if self.look is not None:
            self.look(record)
            bare = msgspec.structs.replace(record, telemetry=None)
        compact, packed_bytes = self.compact.record(bare)
        if bare is not record:
            vars(compact).update(vars(record))
        if not self.left.keeps(max(size - packed_bytes, 0)):
            return budget.KEPT_SPENT
        self.places[key] = str(path) if line is None else f"{path}:{line}"
        self.sources[record.record_id] = str(path)
        self.records[record.record_id] = compact
        return None


def _is_run(folder: Path) -> bool:
    return (folder / PLAN).is_file() or (folder / JOURNAL).is_file()
