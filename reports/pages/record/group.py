"""What a record's page says of the GPUs, or processes, that trained its case together."""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from reports.pages.record.tables import MEMORY, UNKNOWN
from reports.text import columns, facts, phrases
from suite import units
from suite.catalog.parallel import WORDS
from suite.results.record import Group, Rank, Record, Topology
from suite.results.samples import TRAINING_PHASES
from suite.results.validity.checks_of_ranks import NORMS_APART
from suite.wire.ranks import Interconnect, Transfer

#: Ranks wait for each other in every step, so their times of it are nearly one.
APART = 0.05
#: Steps and sizes of messages that a page has at most; the JSON beside it has all.
MOST_STEPS = 10
MOST_SIZES = 24
_PATHS = {
    "nvlink": "NVLink",
    "pcie-switch": "one PCIe switch",
    "pcie-switches": "several PCIe switches",
    "host-bridge": "the host's PCIe bridge",
    "numa-node": "the processor of one NUMA node",
    "between-numa-nodes": "the link between NUMA nodes",
}
_OPERATIONS = ("all-reduce", "all-gather")


class GroupTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of texts; the first of each row is its head."""

    title: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class RecordGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A record's group: facts, tables, and what is said of steps that differ between ranks."""

    facts: facts.Facts
    ranks: GroupTable | None
    transfers: GroupTable | None
    said: str
    steps: GroupTable | None


def of_record(record: Record) -> RecordGroup | None:
    """Return what is known of a record's group, or None on one GPU."""
    group = record.group
    if group is None:
        return None
    said, steps = _steps(record, group.ranks)
    return RecordGroup(
        facts=tuple(_facts(record, group)),
        ranks=_ranks(record, group),
        transfers=_transfers(group.interconnect),
        said=said,
        steps=steps,
    )


def _facts(record: Record, group: Group) -> Iterator[tuple[str, str]]:
    parallel = record.case.parallel
    if parallel is not None:
        yield "Spread by", WORDS[parallel.kind]
    yield "Ranks", units.count(group.world_size)
    if group.gpus:
        names = [phrases.bounded(gpu.name) for gpu in group.gpus]
        counted = {name: names.count(name) for name in dict.fromkeys(names)}
        yield "GPUs", ", ".join(f"{count} × {name}" for name, count in counted.items())
    else:
        yield "GPUs", "none: processes on the CPU"
    if group.interconnect is not None:
        yield "Ranks talk by", phrases.bounded(group.interconnect.backend)
    if group.topology is not None:
        yield from _topology(group.topology, len(group.gpus))


def _topology(found: Topology, gpus: int) -> Iterator[tuple[str, str]]:
    by_path: dict[str, list[str]] = {}
    for link in found.links:
        by_path.setdefault(link.path, []).append(f"{link.first}–{link.second}")
    if len(by_path) == 1 and len(found.links) == gpus * (gpus - 1) // 2 > 1:
        (path,) = by_path
        yield "GPUs joined by", f"{_PATHS[path]}, each with each"
    elif by_path:
        texts = [f"{_PATHS[path]} ({', '.join(pairs)})" for path, pairs in by_path.items()]
        yield "GPUs joined by", phrases.bounded("; ".join(texts))
    for name, values in (
        ("NVLinks of each GPU", found.nvlinks),
        ("NUMA node of each GPU", found.numa_nodes),
    ):
        if values:
            yield name, ", ".join(UNKNOWN if each is None else str(each) for each in values)


def unknown(record: Record) -> Mapping[str, str]:
    """Return what nobody knows of how the GPUs are joined, and why."""
    topology = None if record.group is None else record.group.topology
    return {} if topology is None else topology.unavailable


def _ranks(record: Record, group: Group) -> GroupTable | None:
    if not group.ranks:
        return None
    kinds = {
        kind: [_peak(rank, kind) for rank in group.ranks]
        for kind in MEMORY
        if any(_peak(rank, kind) is not None for rank in group.ranks)
    }
    memory = [
        columns.aligned([UNKNOWN if peak is None else columns.bytes_(peak) for peak in peaks])
        for peaks in kinds.values()
    ]
    ready = [rank.ready for rank in group.ranks]
    weights = columns.aligned(
        [UNKNOWN if each is None else columns.bytes_(each.weights_bytes) for each in ready]
    )
    rows = tuple(
        (
            str(rank.rank),
            UNKNOWN if each is None else phrases.bounded(each.device),
            *(column[place] for column in memory),
            weights[place],
            UNKNOWN if each is None else _share(each.weights_bytes, each.whole_bytes),
            units.count(len(rank.steps)),
        )
        for place, (rank, each) in enumerate(zip(group.ranks, ready, strict=True))
    )
    return GroupTable(
        title="Each rank",
        caption="Memory peak over all steps, and its weights",
        header=(
            *("Rank", "Device", *(MEMORY[kind] for kind in kinds)),
            *("Weights", "Share of the model", "Steps"),
        ),
        rows=rows,
    )


def _peak(rank: Rank, kind: str) -> int | None:
    peaks = [getattr(p.memory, kind) for p in rank.phases if p.name in TRAINING_PHASES]
    known = [peak for peak in peaks if peak is not None]
    return max(known) if known and len(known) == len(peaks) else None


def _share(part: int, whole: int) -> str:
    return units.percent(part / whole) if whole else UNKNOWN


def _transfers(found: Interconnect | None) -> GroupTable | None:
    by_size: dict[int, dict[str, Transfer]] = {}
    for each in () if found is None else found.transfers:
        by_size.setdefault(each.message_bytes, {})[each.operation] = each
    sizes = sorted(by_size)[-MOST_SIZES:]
    if not sizes:
        return None
    cells: list[list[str]] = [columns.aligned([columns.bytes_(size) for size in sizes])]
    for operation in _OPERATIONS:
        listed = [by_size[size].get(operation) for size in sizes]
        times = [UNKNOWN if each is None else columns.seconds(each.seconds) for each in listed]
        cells.append(columns.aligned(times))
        rates = [
            UNKNOWN if each is None else columns.scaled(each.bus_bytes_per_second, "B/s")
            for each in listed
        ]
        cells.append(columns.aligned(rates))
    return GroupTable(
        title="Interconnect",
        caption="Before the model was loaded; rates are of what each rank sends",
        header=("Message", *(f"{op}, {what}" for op in _titles() for what in ("time", "rate"))),
        rows=tuple(zip(*cells, strict=True)),
    )


def _titles() -> Iterator[str]:
    return (operation.capitalize() for operation in _OPERATIONS)


def _steps(record: Record, ranks: Sequence[Rank]) -> tuple[str, GroupTable | None]:
    """Return what is said of steps that differ between ranks, and the farthest of them."""
    together = list(zip(*(rank.steps for rank in ranks), strict=False))
    if len(ranks) < 2 or not together:
        return "", None
    listed = []
    norms_apart = 0
    for place, steps in enumerate(together):
        seconds = [step.seconds for step in steps]
        norms = [step.gradient_norm for step in steps if step.gradient_norm is not None]
        unlike = bool(norms) and not math.isclose(min(norms), max(norms), rel_tol=NORMS_APART)
        norms_apart += unlike
        listed.append((max(seconds) / min(seconds) - 1, unlike, place, seconds))
    far = [each for each in listed if each[0] > APART]
    text = (
        f"Ranks differ by more than {units.percent(APART)} in the time of {len(far)} of"
        f" {units.counted(len(together), 'step')}; at most by"
        f" {units.percent(max(apart for apart, *_ in listed))}."
    )
    text += (
        f" Their gradient norms differ in {units.counted(norms_apart, 'step')}."
        if norms_apart
        else " Their gradient norms are equal in every step."
    )
    shown = sorted((each for each in listed if each[0] > APART or each[1]), reverse=True)
    if not shown:
        return text, None
    rows = tuple(
        (
            str(place + 1),
            record.steps[place].role if place < len(record.steps) else UNKNOWN,
            f"{min(seconds):.4f} (rank {seconds.index(min(seconds))})",
            f"{max(seconds):.4f} (rank {seconds.index(max(seconds))})",
            units.percent(apart),
            "differ" if unlike else "equal",
        )
        for apart, unlike, place, seconds in shown[:MOST_STEPS]
    )
    return text, GroupTable(
        title="Steps in which ranks differ",
        caption="Farthest apart first; times in seconds",
        header=("Step", "Role", "Fastest rank", "Slowest rank", "Apart", "Gradient norms"),
        rows=rows,
    )
