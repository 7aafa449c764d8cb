"""What stands against what: cases of two collections, matched, and what must not be matched."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from suite.errors import BadInput
from suite.results.comparison.report import CaseChange, FailedLaunch, Kind
from suite.results.comparison.side import Allowed, Key
from suite.results.record import ALIKE_SINCE, Record
from suite.results.storage.reader import Collection
from suite.results.validity.failed import why

#: What a reader calls what is allowed by an older name.
_TITLES: dict[Allowed, str] = {"work": "workload", "gpu": "GPU"}


def cases(side: Collection, name: str) -> dict[Key, list[Record]]:
    """Return a side's records by case; raises BadInput where one case is of several kinds."""
    found: dict[Key, list[Record]] = {}
    for record in side.records:
        found.setdefault((record.profile, record.case_id), []).append(record)
    if not found:
        raise BadInput(f"{name}: no result in what was given")
    for (_, case_id), records in found.items():
        cards = sorted({_gpu(record) for record in records})
        if len(cards) > 1:
            raise BadInput(f"{name}: {case_id} ran on several GPUs: {', '.join(cards)}")
        if len({record.work_key for record in records}) > 1:
            raise BadInput(f"{name}: {case_id} has different workloads in different results")
    return found


def across_cards(
    before: dict[Key, list[Record]], after: dict[Key, list[Record]], allow: Sequence[Allowed]
) -> tuple[dict[Key, list[Record]], dict[Key, list[Record]]]:
    """Match by the case alone where no profile is on both sides, if that is allowed."""
    profiles = [sorted({profile for profile, _ in side}) for side in (before, after)]
    shared = {case_id for _, case_id in before} & {case_id for _, case_id in after}
    if not shared or any(len(names) > 1 for names in profiles):
        return before, after
    if "gpu" not in allow:
        raise BadInput(
            f"the same cases on another profile: {profiles[0][0]}, and {profiles[1][0]} after",
            hint="If that is what you want to compare: --allow gpu.",
        )
    return before, {(profiles[0][0], case_id): found for (_, case_id), found in after.items()}


def good(records: Iterable[Record]) -> list[Record]:
    """Return the records whose numbers count."""
    return [record for record in records if record.outcome == "ok"]


def _gpu(record: Record) -> str:
    return "CPU" if record.environment.gpu is None else record.environment.gpu.name


def same_input(base: Collection, candidate: Collection) -> list[str]:
    """Return a note where both sides hold the same records, else none."""
    same = {r.record_id for r in base.records} & {r.record_id for r in candidate.records}
    if not same:
        return []
    return [f"{len(same)} results are on both sides: an A/A"]


def change(key: Key, before: list[Record] | None, after: list[Record] | None) -> CaseChange | None:
    """Return what became of a case that lacks numbers on a side; None where both have some."""
    passed, passes = bool(good(before or ())), bool(good(after or ()))
    if passed and passes:
        return None
    kind: Kind
    odd: Record | None
    if passed:
        kind, odd = ("missing", None) if after is None else ("newly failing", after[0])
    elif passes:
        kind, odd = ("new", None) if before is None else ("newly passing", before[0])
    elif after is not None:
        kind, odd = "new and failing" if before is None else "still failing", after[0]
    else:
        kind, odd = "dropped", None if before is None else before[0]
    note = "" if odd is None else why(odd)
    return CaseChange(profile=key[0], case_id=key[1], kind=kind, note=note)


def failed(key: Key, before: Sequence[Record], after: Sequence[Record]) -> list[FailedLaunch]:
    """Return the launches without numbers, of a case that has some on both sides."""
    new = len(good(before)) == len(before)
    sides: tuple[tuple[Literal["base", "candidate"], Sequence[Record]], ...]
    sides = (("base", before), ("candidate", after))
    return [
        FailedLaunch(
            profile=key[0],
            case_id=key[1],
            side=name,
            run_id=record.run_id,
            launch=record.launch,
            reason=why(record),
            fails=new and name == "candidate",
        )
        for name, records in sides
        for record in records
        if record.outcome != "ok"
    ]


def refuse(
    key: Key, before: Sequence[Record], after: Sequence[Record], allow: Sequence[Allowed]
) -> None:
    """Raise BadInput where good records are of different things that are not allowed by name."""
    looked_at: tuple[tuple[Allowed, Callable[[Record], object]], ...] = (
        ("work", lambda record: (record.work_key, record.case.loop)),
        ("gpu", _gpu),
        ("weights", lambda record: record.weights),
        ("schema", lambda record: min(record.schema, ALIKE_SINCE)),
    )
    for name, of in looked_at:
        ours, theirs = (dict.fromkeys(map(of, good(side))) for side in (before, after))
        if len({**ours, **theirs}) > 1 and name not in allow:
            said = (
                "" if name == "work" else f": {_listed(ours)} in the base, {_listed(theirs)} after"
            )
            raise BadInput(
                f"{key[1]}: another {_TITLES.get(name, name)}{said}",
                hint=f"If that is what you want to compare: --allow {name}.",
            )


def _listed(values: Iterable[object]) -> str:
    return " and ".join(map(str, values))
