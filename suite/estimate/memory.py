"""The device memory of a case that was not run: by part, with an interval.

Weights, their state and gradients are exact (``storage``); activations are fitted on the records
handed in (``activations``), and so are fragmentation and the CUDA context. What was fitted on a
large card may be more than a small one needs: Unsloth sizes buffers by the memory that is free.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from suite.catalog.case import Case
from suite.catalog.engines import ENGINES
from suite.catalog.profile import Profile
from suite.estimate import activations, storage
from suite.estimate.interval import Interval
from suite.estimate.pass_sizes import Kind, Work, measured, work
from suite.results.memory.fits_card import COMFORTABLE_SHARE, Need, Verdict, card_bytes, need
from suite.results.memory.ledger import LedgerLine, Part
from suite.results.record import Record
from suite.wire import MOST, Ledger

#: What cuBLAS keeps on the cards measured so far.
WORKSPACE_BYTES = 64 << 20
#: A CUDA context and libraries in bytes, where no record says.
CONTEXT = Interval(value=768 << 20, low=400 << 20, high=1200 << 20)
#: A context on a card that was not measured: factors.
OTHER_CONTEXT = (0.6, 1.5)
#: Fragmentation as a share of what comes and goes in a step, where no record says.
FRAGMENTATION = Interval(value=0.15, low=0.03, high=0.6)


class MemoryEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """What one case would need on a device; bytes.

    ``lines`` are the parts of ``results.memory.ledger`` at their expected size.
    ``allocated_bytes``
    is torch's peak, ``context_bytes`` the driver's beside it, ``needs_bytes`` those two with the
    fragmentation and, at its upper end, ``paged_bytes``: optimizer state that CUDA keeps on the
    card while there is room. ``phase`` is where the peak is. ``calibrated_on`` counts the measured
    cases of its kind; 0 has its reason in ``note``.
    """

    lines: tuple[LedgerLine, ...]
    allocated_bytes: Interval
    context_bytes: Interval
    needs_bytes: Interval
    phase: str
    calibrated_on: int
    paged_bytes: int = 0
    note: str = ""

    @property
    def parts(self) -> dict[Part, int]:
        """Return the bytes of each part, all dtypes of frozen weights together."""
        found: dict[Part, int] = {}
        for line in self.lines:
            found[line.part] = found.get(line.part, 0) + (line.bytes or 0)
        return found


class MemoryModel(msgspec.Struct, frozen=True, kw_only=True):
    """What records say about memory. ``scales``: see ``suite.estimate.activations``.

    ``fragmentation`` is by kind, as a share of activations and gradients; ``contexts`` by engine,
    in bytes. ``cards`` are the memories in bytes of the cards that the records come from.
    """

    scales: Mapping[Kind, activations.ActivationScale]
    fragmentation: Mapping[Kind, Interval]
    contexts: Mapping[str, Interval]
    cards: tuple[int, ...]

    def estimate(
        self, case: Case, device_bytes: float | None, *, tokens: int | None = None
    ) -> MemoryEstimate:
        """Return what a case would need on a device with that much memory; None is unknown.

        ``tokens``: how many positions the largest batch has, where rows differ in length.
        """
        sizes = work(case, tokens)
        held, scale = activations.estimate(sizes, self.scales, case.model.name)
        lines = [
            *storage.lines(case),
            LedgerLine(part="workspaces", bytes=WORKSPACE_BYTES),
            LedgerLine(part="other_tensors", bytes=_others(case, sizes)),
            LedgerLine(part="activations", bytes=round(held.value)),
        ]
        kept = sum(line.bytes or 0 for line in lines[:-1])
        loading = storage.load_bytes(case)
        allocated = held.map(lambda size: max(loading, kept + size))
        share = self._fragmentation(sizes.kind)
        moving = storage.trained_bytes(case.model, case.method)
        fragments = Interval(
            value=share.value * (moving + held.value),
            low=share.low * (moving + held.low),
            high=share.high * (moving + held.high),
        )
        context = self._context(case.method.engine, device_bytes)
        paged = storage.paged_bytes(case.model, case.method)
        managed = Interval(value=paged, low=0, high=paged)
        lines += [
            LedgerLine(part="fragmentation", bytes=round(fragments.value)),
            LedgerLine(part="context", bytes=round(context.value)),
        ]
        return MemoryEstimate(
            lines=tuple(lines),
            allocated_bytes=allocated,
            context_bytes=context,
            needs_bytes=allocated.plus(fragments, context, managed),
            paged_bytes=paged,
            phase="load" if loading > kept + held.value else "steady",
            calibrated_on=0 if scale is None else scale.cases,
            note=_note(sizes, scale, case),
        )

    def _fragmentation(self, kind: Kind) -> Interval:
        if kind in self.fragmentation:
            return self.fragmentation[kind]
        alike = [b for k, b in self.fragmentation.items() if k.engine == kind.engine]
        return _spread(alike, FRAGMENTATION)

    def _context(self, engine: str, device_bytes: float | None) -> Interval:
        found = self.contexts.get(engine) or _spread(self.contexts.values(), CONTEXT)
        if any(abs(card - (device_bytes or 0)) <= 0.01 * card for card in self.cards):
            return found
        low, high = OTHER_CONTEXT
        return Interval(value=found.value, low=found.low * low, high=found.high * high)


class MemoryObservation(msgspec.Struct, frozen=True, kw_only=True):
    """One record that says something about memory, with what is read from it."""

    record: Record
    work: Work
    ledger: Ledger
    need: Need


def fit_memory(records: Iterable[Record]) -> MemoryModel:
    """Return the model fitted on these records; those without a GPU's ledger say nothing."""
    return fit_observations(observations(records))


def fit_observations(known: Sequence[MemoryObservation]) -> MemoryModel:
    """Return the model fitted on what ``seen`` found, or on a part of it."""
    shares: dict[Kind, list[float]] = {}
    contexts: dict[str, list[float]] = {}
    samples = []
    for each in known:
        ledger, kind = each.ledger, each.work.kind
        held = max(0, ledger.activations_bytes or 0)
        samples.append((each.record.model, each.work, held))
        moving = held + ledger.gradients_bytes
        if ledger.fragmentation_bytes is not None and moving:
            shares.setdefault(kind, []).append(max(0, ledger.fragmentation_bytes) / moving)
        if each.need.context_bytes is not None:
            contexts.setdefault(each.record.engine, []).append(each.need.context_bytes)
    gpus = [each.record.environment.gpu for each in known]
    cards = {gpu.memory_total_bytes for gpu in gpus if gpu is not None}
    return MemoryModel(
        scales=activations.fit_scales(samples),
        fragmentation={kind: _range(found) for kind, found in shares.items()},
        contexts={
            engine: Interval(value=statistics.median(found), low=min(found), high=max(found))
            for engine, found in contexts.items()
        },
        cards=tuple(sorted(size for size in cards if size)),
    )


def observations(records: Iterable[Record]) -> list[MemoryObservation]:
    """Return the records that say something: finished, on a GPU, with possible numbers.

    Of several launches and runs of one case on one profile, that with the highest peak.
    """
    best: dict[tuple[str, Case], tuple[Record, Ledger, Need]] = {}
    for record in records:
        ledger, wanted = record.ledger, need(record)
        if record.case.parallel is not None:
            continue  # the model is of one GPU
        if ledger is None or not wanted.allocated_bytes or ledger.activations_bytes is None:
            continue
        # Whole numbers of any size are valid JSON; a share of them would overflow.
        if max(abs(ledger.activations_bytes), abs(ledger.fragmentation_bytes or 0)) > MOST:
            continue
        known = best.get(key := (record.profile, record.case))
        if known is None or wanted.allocated_bytes > (known[2].allocated_bytes or 0):
            best[key] = record, ledger, wanted
    return [
        MemoryObservation(record=record, work=measured(record), ledger=ledger, need=wanted)
        for record, ledger, wanted in best.values()
    ]


def verdict(estimate: MemoryEstimate, profile: Profile) -> Verdict:
    """Return what an estimate says of a card, in the words of ``suite.results.memory.fits_card``.

    "fits" and "does not fit" hold over the whole interval; between them "tight", or "unknown"
    where nothing of its kind was measured.
    """
    offered = card_bytes(profile)
    if offered is None:
        return "unknown"
    if estimate.allocated_bytes.low + estimate.context_bytes.low > offered:
        return "does not fit"
    if profile.unified_memory:
        return "unknown"
    if estimate.needs_bytes.high <= COMFORTABLE_SHARE * offered:
        return "fits"
    return "tight" if estimate.calibrated_on else "unknown"


def _others(case: Case, sizes: Work) -> int:
    """Return the bytes of the batch and of what an engine keeps for itself."""
    batch = 24 * sizes.tokens
    if not ENGINES[case.method.engine].offload_buffers:
        return batch
    # Two hidden states on their way to and from the host, and 16 MiB beside adapters.
    adapters = case.method.adapter is not None and not sizes.kind.experts
    return batch + 2 * sizes.hidden + (16 << 20 if adapters else 0)


def _note(sizes: Work, scale: activations.ActivationScale | None, case: Case) -> str:
    if scale is None:
        return "not calibrated: nothing of its kind was measured"
    if case.model.name not in scale.models:
        return f"fitted on other models: {', '.join(sorted(scale.models))}"
    least, most = scale.tokens
    if scale.beyond(sizes.tokens):
        measured_tokens = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        return f"beyond the measured {measured_tokens} tokens a pass"
    return ""


def _range(values: Sequence[float]) -> Interval:
    """Return the median and the extremes, these never closer than half and double of it."""
    middle = statistics.median(values)
    return Interval(value=middle, low=min(*values, middle / 2), high=max(*values, 2 * middle))


def _spread(found: Iterable[Interval], otherwise: Interval) -> Interval:
    known = list(found)
    if not known:
        return otherwise
    return Interval(
        value=statistics.median([each.value for each in known]),
        low=min(each.low for each in known),
        high=max(each.high for each in known),
    )
