"""Which of the changed packages is it, and since which version? Launches say."""

import math
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from suite import units
from suite.errors import WrongMachine
from suite.results import comparison
from suite.results.plan import Plan
from suite.results.stats import significance
from suite.results.storage.folder import open_folder, writing
from suite.results.storage.run_folder import create, read
from suite.run.upgrade import package_index
from suite.run.upgrade.alternate import interleave
from suite.run.upgrade.delta_debugging import first_bad_version, minimize
from suite.run.upgrade.target_environment import TargetEnvironment
from suite.signals import Signals

LOG = "bisect.jsonl"


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt: the packages that came from the candidate's side, and what was found."""

    packages: dict[str, str]
    shows: bool
    found: tuple[str, ...]


class _Search:
    def __init__(
        self,
        folder: Path,
        environment: TargetEnvironment,
        base: Mapping[str, str],
        shown: comparison.Comparison,
        signals: Signals,
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._base = base
        self._signals = signals
        slower = [each for each in shown.lines if each.fails and each.metric == comparison.GATED]
        self._ratios = {line.case_id: line.ratio or 1.0 for line in slower}
        self._others = set(shown.failures) - {_phrase(line) for line in slower}
        self._plan = read([folder / "base"]).plans[0]
        failing = {line.case_id for line in shown.lines if line.fails}
        failing |= {change.case_id for change in shown.changes if change.fails}
        cases = [case for case in self._plan.cases if case.case_id in failing]
        self._cases = tuple(cases) or self._plan.cases
        self.tried: list[Tried] = []

    def reproduces(self, packages: Mapping[str, str]) -> bool:
        """Return whether the base with these packages regresses as the candidate did.

        A slowdown counts as the same one from half of it on (of its logarithm): the answer is
        between two known effects, so it takes fewer launches than a verdict on an unknown one.
        """
        try:
            found = self._measured({**self._base, **packages})
        except package_index.NotInstallable as refusal:
            tried = Tried(packages=dict(packages), shows=False, found=(refusal.message,))
        else:
            ratios = {
                line.case_id: line.ratio
                for line in found.lines
                if line.metric == comparison.GATED and line.ratio is not None
            }
            slower = [
                case_id
                for case_id, ratio in self._ratios.items()
                if ratios.get(case_id, 1.0) > math.sqrt(ratio)
            ]
            said = [f"{case_id}: step time x {ratio:.3f}" for case_id, ratio in ratios.items()]
            tried = Tried(
                packages=dict(packages),
                shows=bool(slower or self._others.intersection(found.failures)),
                found=(*said, *found.failures),
            )
        self.tried.append(tried)
        with writing(self._folder / LOG), open_folder(self._folder) as folder:
            folder.append(LOG, msgspec.json.encode(tried) + b"\n")
        return tried.shows

    def _measured(self, packages: Mapping[str, str]) -> comparison.Comparison:
        """Measure a base anew beside it: that of an hour ago had other clocks."""
        there = self._environment.target.packages
        wanted = {
            name: version for name, version in packages.items() if there.get(name) != version
        }
        variants = [self._environment.make(self._base), self._environment.make(wanted)]
        with (
            writing(self._folder / "bisect"),
            open_folder(self._folder) as top,
            top.folder("bisect") as attempts,
        ):
            folder = attempts.path / f"{len(self.tried) + 1}-{secrets.token_hex(2)}"
        runs = [create(folder / side, self._part()) for side in ("base", "candidate")]
        try:
            interleave(runs, variants, self._signals)
        finally:
            for run in runs:
                run.close()
        return comparison.compare(*(read([run.folder]) for run in runs))

    def _part(self) -> Plan:
        """Return the plan of the cases that failed, with the fewest launches that can tell."""
        run_id = f"{self._plan.run_id.rpartition('-')[0]}-{secrets.token_hex(4)}"
        return msgspec.structs.replace(
            self._plan,
            run_id=run_id,
            cases=self._cases,
            launches=significance.LEAST_LAUNCHES,
        )


def _phrase(line: comparison.QuantityResult) -> str:
    return f"{line.case_id}: {line.metric} {line.verdict}"


def bisect(
    folder: Path,
    environment: TargetEnvironment,
    base: Mapping[str, str],
    candidate: Mapping[str, str],
    shown: comparison.Comparison,
    signals: Signals,
) -> Iterator[str]:
    """Yield what is found, a sentence each; every attempt is in ``bisect.jsonl`` of the folder.

    Packages first: the fewest whose candidate versions bring the regression back on the base.
    Then, for a single one, the first of the versions between that does.
    """
    sides = [{**environment.target.packages, **side} for side in (base, candidate)]
    changed = [n for n in sorted({*base, *candidate}) if sides[0].get(n) != sides[1].get(n)]
    search = _Search(folder, environment, base, shown, signals)

    def of(names: Sequence[str]) -> dict[str, str]:
        return {name: sides[1][name] for name in names if name in sides[1]}

    culprits = minimize(changed, lambda names: search.reproduces(of(names)))
    before, after = ([side.get(name, "none") for name in culprits] for side in sides)
    named = ", ".join(map("{} {} → {}".format, culprits, before, after))
    if len(culprits) > 1:
        yield f"Culprits, only together: {named}."
        return
    (name,) = culprits
    tried = units.counted(len(search.tried), "attempt")
    yield f"Culprit: {named} (of {len(changed)} changed, {tried})."
    if name not in sides[0] or name not in sides[1]:
        return
    try:
        between = package_index.versions(name, sides[0][name], sides[1][name], environment.target)
    except WrongMachine as error:
        yield f"Versions between were not tried: {error.message}."
        return
    first = first_bad_version(between, lambda version: search.reproduces({name: version}))
    tried = units.counted(len(search.tried), "attempt")
    yield f"First version that shows it: {name} {first} ({tried} in all)."
