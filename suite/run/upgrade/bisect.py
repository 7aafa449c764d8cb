"""Which of the changed packages is it, and since which version? Launches say."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from suite import units
from suite.errors import BadInput, WrongMachine
from suite.results import comparison
from suite.results.storage.run_folder import read
from suite.run.upgrade import companions, package_index, symptoms
from suite.run.upgrade.attempts import LOG, Attempts
from suite.run.upgrade.delta_debugging import attempts, first_bad_version, minimize
from suite.run.upgrade.target_environment import TargetEnvironment
from suite.signals import Signals

__all__ = ["LOG", "bisect"]


class _Upgrade:
    """The two sides: all packages of each, which differ, and what those need."""

    def __init__(
        self,
        environment: TargetEnvironment,
        base: Mapping[str, str],
        candidate: Mapping[str, str],
    ) -> None:
        self.target = environment.target
        there = environment.target.packages
        self.sides = ({**there, **base}, {**there, **candidate})
        names = sorted({*base, *candidate})
        self.changed = [n for n in names if self.sides[0].get(n) != self.sides[1].get(n)]
        self._needs: tuple[dict[str, Sequence[str]], ...] | None = None

    def change(self, names: Sequence[str]) -> dict[str, str]:
        """Return the candidate's versions of packages, and of what has to change with them."""
        if len(self.changed) == 1:
            found = frozenset(names)
        else:
            needs = self._needs or tuple(map(self._needed, self.sides))
            self._needs = needs
            found = companions.with_companions(
                names, self.sides, (needs[0], needs[1]), self.target.markers
            )
        return {name: self.sides[1][name] for name in sorted(found) if name in self.sides[1]}

    def _needed(self, side: Mapping[str, str]) -> dict[str, Sequence[str]]:
        wanted = {name: side[name] for name in self.changed if name in side}
        return package_index.needs(wanted, self.target)

    def at(self, name: str, version: str) -> dict[str, str]:
        """Return the packages that the base needs to have this version of one of them.

        What it needs comes from either side, or else from the index. Raises NotInstallable, and
        BadInput where that is another PyTorch.
        """
        base, candidate = self.sides
        if any(name in pair for pair in companions.TOGETHER):
            return package_index.resolve([f"{name}=={version}"], self.target).packages
        found = {name: version}
        lines = package_index.needs(found, self.target).get(name, ())
        for line in companions.unmet(lines, base, self.target.markers):
            other = companions.name_of(line)
            if other in candidate and not companions.unmet(
                [line], {other: candidate[other]}, self.target.markers
            ):
                found[other] = candidate[other]
            elif other in base:
                found |= package_index.resolve([f"{name}=={version}"], self.target).packages
        return found


def bisect(
    folder: Path,
    environment: TargetEnvironment,
    base: Mapping[str, str],
    candidate: Mapping[str, str],
    shown: comparison.Comparison,
    signals: Signals,
) -> Iterator[str]:
    """Yield the plan and what is found, a sentence each; attempts are in ``bisect.jsonl``.

    Packages first: the fewest whose candidate versions bring the regression back on the base, each
    with what it needs. Then, for a single one, the first of the versions between that does, in
    the direction from base to candidate. Called again, it goes on where it was cut.
    """
    upgrade = _Upgrade(environment, base, candidate)
    seen = symptoms.of(shown, read([folder / "candidate"]).records)
    cases = {line.case_id for line in shown.lines if line.fails} | seen.reasons.keys()
    cases |= {change.case_id for change in shown.changes if change.fails}
    tries = Attempts(folder, environment, base, seen, frozenset(cases), signals)
    suspects = _suspects(upgrade, shown, seen)
    yield _plan(len(suspects), tries, seen)
    if unused := [name for name in upgrade.changed if name not in suspects]:
        yield f"Not tried, since no case imports them: {', '.join(unused)}."
    everything = upgrade.change(suspects)

    def reproduces(names: Sequence[str]) -> bool:
        packages = upgrade.change(names)
        return packages == everything or tries.ask(packages).shows is True

    culprits = minimize(suspects, reproduces)
    named = ", ".join(_change(upgrade, name) for name in culprits)
    if len(culprits) > 1:
        yield f"Culprits, only together: {named}."
        return
    (name,) = culprits
    others = [each for each in upgrade.change(culprits) if each != name]
    along = ", ".join(_change(upgrade, each) for each in others)
    tried = units.counted(tries.count, "attempt")
    yield (
        f"Culprit: {named} (of {len(upgrade.changed)} changed, {tried})"
        f"{f', with what must change with it: {along}' if along else ''}."
    )
    yield from _versions(name, upgrade, tries)


def _suspects(
    upgrade: _Upgrade, shown: comparison.Comparison, seen: symptoms.Symptoms
) -> list[str]:
    """Return the changed packages that some case imported; all, where a case got not so far."""
    unused = {each.name for each in shown.asked if each.imported is False}
    used = [name for name in upgrade.changed if name not in unused]
    return upgrade.changed if seen.reasons or not used else used


def _plan(suspects: int, tries: Attempts, seen: symptoms.Symptoms) -> str:
    count = attempts(suspects)
    each = units.counted(tries.launches, "repeat")
    how = "of the candidate alone: it fails early" if seen.deterministic else "both sides in turns"
    total = f", some {units.seconds(count * tries.seconds)}" if count else ""
    return (
        f"Searching {units.counted(suspects, 'changed package')}: about"
        f" {units.counted(count, 'attempt')}{total}, then the versions between. An attempt is"
        f" {each} ({how}), some {units.seconds(tries.seconds)}."
    )


def _change(upgrade: _Upgrade, name: str) -> str:
    before, after = (side.get(name, "none") for side in upgrade.sides)
    return f"{name} {before} → {after}"


def _versions(name: str, upgrade: _Upgrade, tries: Attempts) -> Iterator[str]:
    """Yield which version between is the first that shows it."""
    before, after = (side.get(name) for side in upgrade.sides)
    if before is None or after is None:
        return
    try:
        between = package_index.versions(name, before, after, upgrade.target)
    except WrongMachine as error:
        yield f"Versions between were not tried: {error.message}."
        return
    if len(between) > 1:
        count = attempts(1, len(between))
        yield (
            f"Searching the {len(between)} versions after {before} up to {after}: about"
            f" {units.counted(count, 'attempt')}, some {units.seconds(count * tries.seconds)}."
        )

    def shows(version: str) -> bool | None:
        try:
            packages = upgrade.at(name, version)
        except (package_index.NotInstallable, BadInput):
            return None
        return tries.ask(packages).shows

    first, unknown = first_bad_version(between, shows)
    tried = units.counted(tries.count, "attempt")
    yield f"First version that shows it, from {before} on: {name} {first} ({tried} in all)."
    if unknown:
        yield f"{name} {', '.join(unknown)} may show it too: it fails in another way."
