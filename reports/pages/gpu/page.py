"""The page of one card: its facts, how it was measured, its ceilings, and each case under them."""

from collections.abc import Iterator, Sequence

import msgspec

from reports.analysis import workloads
from reports.analysis.card_ceilings import BANDWIDTH, COPIES, MATMUL, PEAK, ResourceKind, over
from reports.analysis.card_pairs import pairs
from reports.analysis.dataset import Dataset
from reports.analysis.workloads import CardResult
from reports.pages.gpu import index as gpu_list
from reports.pages.gpu.runs import RunTable, runs
from reports.pages.gpu.telemetry import CaseTelemetry, case_telemetry
from reports.sections import hosts, summary
from reports.text import columns, example_job, gpu_facts, phrases
from reports.text.addresses import pair_page, stem
from reports.text.blocks import Part
from reports.text.figures import metric_figure, width
from reports.text.gpu_facts import ShownFact
from reports.text.numbers import Number, verdict
from suite import units
from suite.catalog import profile as profiles
from suite.results.metrics import all_metrics
from suite.results.record import whose
from suite.results.replicates import Replicates, summarize
from suite.results.validity.parity import References


class CeilingBar(msgspec.Struct, frozen=True, kw_only=True):
    """One rate as a bar, ``width`` in percent of the longest; "" where it is unknown."""

    title: str
    figure: Number
    width: str


class UtilizationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One case under the ceilings; shares are of the measured and of the datasheet's peak."""

    case: str
    work: str
    page: str
    ok: bool
    outcome: str
    reason: str
    rate: Number
    of_probe: Number
    of_peak: Number
    width: str


class GpuPage(msgspec.Struct, frozen=True, kw_only=True):
    """One profile that has records."""

    title: str
    name: str
    summary: str
    facts: tuple[ShownFact, ...]
    changed: tuple[str, ...]
    runs: RunTable
    hosts: tuple[tuple[str, str], ...]
    compute: tuple[CeilingBar, ...]
    bandwidth: tuple[CeilingBar, ...]
    cases: tuple[UtilizationRow, ...]
    watched: tuple[CaseTelemetry, ...]
    parts: tuple[Part, ...]
    jobs: tuple[example_job.JobRow, ...]
    job_text: str
    against: tuple[tuple[str, str], ...]
    weights: tuple[str, ...]


MOST_CASES = 200  #: of a table: a page of some hundred kilobytes


def pages(dataset: Dataset) -> Iterator[tuple[str, GpuPage]]:
    """Yield the file's name and the page of every profile that has a record."""
    titles, listed = workloads.profile_titles(dataset), pairs(dataset)
    works = workloads.work_groups(dataset)
    for name, title in titles.items():
        against = [
            (titles[each.theirs if each.ours == name else each.ours], each)
            for each in listed
            if name in (each.ours, each.theirs)
        ]
        linked = tuple((other, pair_page(each.ours, each.theirs)) for other, each in against)
        cells = [cell for work in works for cell in work.on(name)]
        yield f"{stem(name)}.html", _page(dataset, cells, title, linked)


def _page(
    dataset: Dataset,
    cells: Sequence[CardResult],
    title: str,
    against: tuple[tuple[str, str], ...],
) -> GpuPage:
    labelled = [
        (group, _label(group, dataset.references, older=group is not cell.shown))
        for cell in cells
        for group in (cell.shown, *cell.others)
    ]
    shown = labelled[:MOST_CASES]
    groups = [group for group, _ in labelled]
    name = groups[0].first.profile
    own = msgspec.structs.replace(
        dataset, groups=tuple(each for each in dataset.groups if each.first.profile == name)
    )
    hardware = gpu_list.recorded(dataset, name)
    if hardware is None:
        hardware = profiles.known(name)
    records = [record for group in groups for record in group.records]
    good = [record for record in records if record.outcome == "ok"]
    run_count = len({record.run_id for record in records})
    compute, bandwidth = _bars((PEAK, MATMUL), groups), _bars((BANDWIDTH, COPIES), groups)
    # Bars of cases are as long as those of the ceilings above them are.
    longest = max((float(bar.figure.exact) for bar in compute if bar.width), default=None)
    return GpuPage(
        title=title,
        name=phrases.short(name),
        summary=(
            f"{units.counted(len(records), 'result')}, {units.count(len(good))} with numbers, from"
            f" {units.counted(run_count, 'session')}. {_hosts(groups)}{_left_out(len(labelled))}"
        ),
        facts=() if hardware is None else gpu_facts.shown_facts(hardware),
        changed=_changed(dataset, name),
        runs=runs(own, name),
        hosts=hosts.of_card(good),
        compute=compute,
        bandwidth=bandwidth,
        cases=tuple(
            columns.aligned_fields(
                [_case(group, label, longest) for group, label in shown],
                *("rate", "of_probe", "of_peak"),
            )
        ),
        watched=tuple(
            columns.aligned_fields(
                [case_telemetry(group, label) for group, label in shown], "energy"
            )
        ),
        parts=tuple(part for part in _parts(own, name) if part.blocks),
        jobs=example_job.job_rows(([group], label) for group, label in shown),
        job_text=example_job.TEXT,
        against=against,
        weights=phrases.weights(good),
    )


def _label(group: Replicates, references: References, *, older: bool) -> str:
    """Return the work of a case, its launches and what speaks against its numbers.

    Of repeats that are not those of the headline number (``older``), also which run.
    """
    parts = [phrases.work(group.case.workload), phrases.LOOPS[group.case.loop]]
    parts.append(phrases.repeats(group))
    if group.unsettled:
        parts.append("step time did not settle")
    if group.ok and verdict(group, references).kind == "bad":
        parts.append("losses differ from its reference's")
    if older:
        parts.append(f"session {phrases.short(group.first.run_id)}")
    if whose(group.first):
        parts.append(whose(group.first))
    return " · ".join(parts)


def _left_out(cases: int) -> str:
    if cases <= MOST_CASES:
        return ""
    return f" Tables here have {MOST_CASES} of its {cases:,} cases; all results have the others."


def _hosts(groups: Sequence[Replicates]) -> str:
    cards = {gpu.uuid_hash for group in groups for record in group.records for gpu in record.gpus}
    if not cards:
        return "No GPU took part."
    return f"{units.counted(len(cards), 'GPU')} of this kind took part."


def _changed(dataset: Dataset, name: str) -> tuple[str, ...]:
    """Return the facts of which the records and the catalog say something else."""
    recorded = gpu_list.recorded(dataset, name)
    now = profiles.known(name)
    if recorded is None or now is None:
        return ()
    return tuple(
        f"{here.name}: {here.value.text} in the results, {there.value.text} in the catalog now."
        for here, there in zip(
            gpu_facts.shown_facts(recorded), gpu_facts.shown_facts(now), strict=True
        )
        if here.value.exact != there.value.exact
    )


def _bars(kinds: Sequence[ResourceKind], groups: Sequence[Replicates]) -> tuple[CeilingBar, ...]:
    found = columns.aligned_numbers([over(kind, groups) for kind in kinds])
    values = [float(each.exact) if each.exact else None for each in found]
    longest = max((value for value in values if value), default=None)
    return tuple(
        CeilingBar(title=kind.title, figure=each, width=width(value, longest))
        for kind, each, value in zip(kinds, found, values, strict=True)
    )


def _case(group: Replicates, label: str, longest: float | None) -> UtilizationRow:
    value = summarize(group, all_metrics()["model_flops_per_second"])
    rate = metric_figure(group, "model_flops_per_second")
    return UtilizationRow(
        case=phrases.case_title(group.case),
        work=label,
        page=rate.page,
        ok=bool(group.ok),
        outcome=phrases.outcome(group.best),
        reason=phrases.short(group.best.reason),
        rate=rate,
        of_probe=metric_figure(group, "utilization_of_probe"),
        of_peak=metric_figure(group, "utilization_of_peak"),
        width=width(value.median if value else None, longest),
    )


def _parts(dataset: Dataset, name: str) -> Iterator[Part]:
    collection = dataset.collection
    fidelities = tuple(each for each in collection.fidelities if each.profile == name)
    collection = msgspec.structs.replace(collection, fidelities=fidelities)
    dataset = msgspec.structs.replace(dataset, collection=collection)
    for each in ("noise", "fidelity"):
        yield summary.part(dataset, each)
