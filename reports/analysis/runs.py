"""From records to runs and their comparisons, in the order in which pages show them."""

from collections.abc import Mapping, Sequence

import msgspec

from reports.analysis.comparison import MethodComparison, MethodRow, comparison
from reports.text import facts, phrases
from suite import units
from suite.catalog.case import Case
from suite.results.plan import Plan
from suite.results.replicates import Replicates, group
from suite.results.storage.reader import Collection
from suite.results.validity.parity import References


class MatrixRow(msgspec.Struct, frozen=True, kw_only=True):
    """One method over all comparisons of a run; None where it was not planned."""

    method: str
    cells: tuple[MethodRow | None, ...]


class RunSection(msgspec.Struct, frozen=True, kw_only=True):
    """One run on one profile."""

    anchor: str
    run_id: str
    profile: str
    title: str
    facts: facts.Facts
    weights: tuple[str, ...]
    notes: tuple[str, ...]
    noise: tuple[str, ...]
    comparisons: tuple[MethodComparison, ...]
    matrix: tuple[MatrixRow, ...]


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The first page."""

    summary: str
    sections: tuple[RunSection, ...]
    problems: tuple[str, ...]


def overview(collection: Collection, references: References) -> Overview:
    """Return the first page: newest run first, cases in the order they were planned."""
    plans = {plan.run_id: plan for plan in collection.plans}
    groups: dict[tuple[str, str], dict[Case, Replicates]] = {
        (plan.run_id, plan.profile): {} for plan in collection.plans
    }
    for launches in group(collection.records):
        place = launches.first.run_id, launches.first.profile
        groups.setdefault(place, {})[launches.case] = launches
    waiting: dict[str, dict[Case, int]] = {}
    for run_id, _, case in collection.missing():
        cases = waiting.setdefault(run_id, {})
        cases[case] = cases.get(case, 0) + 1
    newest_first = sorted(groups.items(), key=lambda item: _begun(item[1]), reverse=True)
    sections = tuple(
        _section(
            f"run-{number}",
            run_id,
            profile,
            found,
            plans.get(run_id),
            waiting.get(run_id, {}),
            references,
        )
        for number, ((run_id, profile), found) in enumerate(newest_first, 1)
    )
    return Overview(
        summary=_summary(collection, sections),
        sections=sections,
        problems=tuple(str(problem) for problem in collection.problems),
    )


def _begun(groups: Mapping[Case, Replicates]) -> str:
    starts = [record.started_at for each in groups.values() for record in each.records]
    return min(starts, default="")


def _section(
    anchor: str,
    run_id: str,
    profile: str,
    groups: Mapping[Case, Replicates],
    plan: Plan | None,
    waiting: Mapping[Case, int],
    references: References,
) -> RunSection:
    planned = plan.cases if plan is not None and plan.profile == profile else ()
    tables: dict[object, list[Case]] = {}
    for case in dict.fromkeys([*planned, *groups]):
        same = (case.model, case.workload, case.loop, case.seed)
        tables.setdefault(same, []).append(case)
    # A table without a single record says less than one sentence about all such tables.
    begun = [cases for cases in tables.values() if any(case in groups for case in cases)]
    ahead = [case for cases in tables.values() if cases not in begun for case in cases]
    comparisons = tuple(
        comparison(f"{anchor}-table-{number}", cases, groups, waiting, references)
        for number, cases in enumerate(begun or tables.values(), 1)
    )
    records = [record for launches in groups.values() for record in launches.records]
    return RunSection(
        anchor=anchor,
        run_id=run_id,
        profile=profile,
        title=facts.profile_title(records, profile),
        facts=facts.of_run(records, plan, run_id),
        weights=phrases.weights(record for record in records if record.outcome == "ok"),
        notes=(*facts.conflicts(records), *(_ahead(ahead) if begun else ())),
        noise=tuple(text for each in groups.values() if (text := phrases.noise(each))),
        comparisons=comparisons,
        matrix=_matrix(comparisons),
    )


def _ahead(cases: Sequence[Case]) -> tuple[str, ...]:
    """Return the planned work of a run that nothing is known of yet, as one sentence or none."""
    if not cases:
        return ()
    work = dict.fromkeys(f"{each.model.title}, {phrases.work(each.workload)}" for each in cases)
    return (f"{units.counted(len(cases), 'planned case')} not run yet: {'; '.join(work)}.",)


def _matrix(comparisons: Sequence[MethodComparison]) -> tuple[MatrixRow, ...]:
    by_method = [{row.case.method: row for row in each.rows} for each in comparisons]
    methods = dict.fromkeys(method for rows in by_method for method in rows)
    return tuple(
        MatrixRow(method=method.title, cells=tuple(rows.get(method) for rows in by_method))
        for method in methods
    )


def _summary(collection: Collection, sections: Sequence[RunSection]) -> str:
    good = sum(record.outcome == "ok" for record in collection.records)
    titles = ", ".join(dict.fromkeys(section.title for section in sections))
    total = len(collection.records)
    return (
        f"{units.counted(total, 'result')}, {units.count(good)} with"
        f" numbers, from {units.counted(len(sections), 'session')} on {titles}."
    )
