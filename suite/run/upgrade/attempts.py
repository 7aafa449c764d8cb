"""Attempts of a bisection: parts of an upgrade, measured, kept and found again after a kill."""

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from suite.results import comparison
from suite.results.comparison import GATED
from suite.results.plan import Plan
from suite.results.stats import significance
from suite.results.storage.folder import Folder, open_folder, writing
from suite.results.storage.run_folder import PLAN, Run, create, open_run, read
from suite.results.validity.failed import why
from suite.run.upgrade import package_index
from suite.run.upgrade.alternate import interleave
from suite.run.upgrade.symptoms import Symptoms
from suite.run.upgrade.target_environment import TargetEnvironment
from suite.signals import Signals

LOG = "bisect.jsonl"
FOLDER = "bisect"  #: of the runs, one folder for each attempt


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt: the packages that came from the candidate's side, and what was found.

    ``shows`` is null where it failed, and not as the candidate did.
    """

    packages: dict[str, str]
    shows: bool | None
    found: tuple[str, ...]


class Attempts:
    """Answers about parts of an upgrade; each is measured once, also over several calls.

    An attempt's runs lie in a folder named by its packages, and its answer in ``bisect.jsonl``. So
    what was cut is gone on with where it was.
    """

    def __init__(
        self,
        folder: Path,
        environment: TargetEnvironment,
        base: Mapping[str, str],
        symptoms: Symptoms,
        cases: frozenset[str],
        signals: Signals,
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._base = base
        self._symptoms = symptoms
        self._signals = signals
        plan = read([folder / "base"]).plans[0]
        chosen = tuple(case for case in plan.cases if case.case_id in cases) or plan.cases
        launches = 1 if symptoms.deterministic else significance.LEAST_LAUNCHES
        self._plan = msgspec.structs.replace(plan, cases=chosen, launches=launches)
        with writing(folder / LOG), open_folder(folder) as opened:
            self._known = {_key(tried.packages): tried for tried in _read(opened)}
        self.count = 0  #: of those that were asked for, measured now or before

    @property
    def launches(self) -> int:
        """Return how many launches of a side's cases an attempt takes."""
        return self._plan.launches * (1 if self._symptoms.deterministic else 2)

    @property
    def seconds(self) -> float:
        """Return about how long an attempt takes, by the launches of the comparison itself."""
        found = read([self._folder / side for side in ("base", "candidate")]).records
        chosen = {case.case_id for case in self._plan.cases}
        times = [r.wall_seconds for r in found if r.wall_seconds and r.case_id in chosen]
        return statistics.fmean(times or [0.0]) * len(chosen) * self.launches

    def ask(self, packages: Mapping[str, str]) -> Tried:
        """Return whether the base with these packages regresses as the candidate did."""
        self.count += 1
        known = self._known.get(_key(packages))
        if known is not None:
            return known
        try:
            tried = self._measured(dict(packages))
        except package_index.NotInstallable as refusal:
            tried = Tried(packages=dict(packages), shows=None, found=(refusal.message,))
        self._known[_key(packages)] = tried
        with writing(self._folder / LOG), open_folder(self._folder) as folder:
            folder.append(LOG, msgspec.json.encode(tried) + b"\n")
        return tried

    def _measured(self, packages: dict[str, str]) -> Tried:
        wanted = {**self._base, **packages}
        there = self._environment.target.packages
        wanted = {name: version for name, version in wanted.items() if there.get(name) != version}
        variants = {"base": self._environment.make(self._base)}
        if self._symptoms.deterministic:
            variants = {}
        variants["candidate"] = self._environment.make(wanted)
        runs = [self._run(packages, side) for side in variants]
        try:
            interleave(runs, list(variants.values()), self._signals)
        finally:
            for run in runs:
                run.close()
        records = [read([run.folder]).records for run in runs]
        if self._symptoms.deterministic:
            said = tuple(f"{each.case_id}: {why(each)}" for each in records[0])
            return Tried(packages=packages, shows=self._symptoms.shown_in(records[0]), found=said)
        # A base is measured anew beside it: that of an hour ago had other clocks.
        try:
            found = comparison.compare(*(read([run.folder]) for run in runs))
        except comparison.NothingCompared as error:
            return Tried(packages=packages, shows=None, found=(error.message,))
        ratios = [line for line in found.lines if line.metric == GATED and line.ratio is not None]
        said = tuple(f"{line.case_id}: step time x {line.ratio:.3f}" for line in ratios)
        shows = self._symptoms.shown_by(found)
        return Tried(packages=packages, shows=shows, found=(*said, *found.failures))

    def _run(self, packages: Mapping[str, str], side: str) -> Run:
        """Return an attempt's run of one side, gone on with where it was begun before."""
        with (
            writing(self._folder / FOLDER),
            open_folder(self._folder) as top,
            top.folder(FOLDER) as attempts,
            attempts.folder(_name(packages)) as attempt,
        ):
            folder = attempt.path / side
        if (folder / PLAN).is_file():
            return open_run(folder)
        return create(folder, self._of_attempt(packages, side))

    def _of_attempt(self, packages: Mapping[str, str], side: str) -> Plan:
        digest = hashlib.sha256(f"{_name(packages)} {side}".encode()).hexdigest()[:8]
        stamp = self._plan.run_id.rpartition("-")[0]
        return msgspec.structs.replace(self._plan, run_id=f"{stamp}-{digest}")


def _key(packages: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(packages.items())


def _name(packages: Mapping[str, str]) -> str:
    pins = "\n".join(package_index.pins(packages))
    return hashlib.sha256(pins.encode()).hexdigest()[:12]


def _read(folder: Folder) -> Sequence[Tried]:
    """Return what was answered before; half a last line, as a kill leaves it, is cut off."""
    if folder.kind(LOG) is None:
        return []
    content = folder.read(LOG)
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        folder.cut(LOG, len(whole))
    found = []
    for line in whole.splitlines():
        try:
            found.append(msgspec.json.decode(line, type=Tried))
        except (msgspec.DecodeError, UnicodeDecodeError):  # an edited one is asked again
            continue
    return found
