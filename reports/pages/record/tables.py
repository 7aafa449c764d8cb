"""The tables of a record's page: phases, steps, settings; and bounds on what a page shows."""

from collections.abc import Iterator, Mapping

import msgspec

from reports.text import columns, facts, phrases
from reports.text.numbers import exact
from reports.text.phrases import bounded
from suite import units
from suite.catalog.case import Case
from suite.results.record import Record
from suite.wire import Effective, Step

#: A page must open whatever a file holds; the JSON beside it is always whole.
MOST_STEPS = 250
MOST_LINES = 200

UNKNOWN = "unknown"
_ENGINES_CHOICE = "the engine's choice"

MEMORY = {
    "allocated_peak_bytes": "Torch allocated",
    "reserved_peak_bytes": "Torch reserved",
    "nvml_process_peak_bytes": "NVML process",
    "host_rss_peak_bytes": "Host RSS",
}


class PhaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One phase; ``memory`` holds texts in the order of ``memory_kinds``."""

    name: str
    seconds: str
    memory: tuple[str, ...]


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step. ``seconds`` and ``loss`` are rounded, their ``exact`` fellows are not."""

    number: int
    role: str
    seconds: str
    exact_seconds: str
    padded: str
    real: str
    counted: str
    loss: str
    exact_loss: str
    gradient: str
    data: str
    collector: str


def memory_kinds(record: Record) -> tuple[str, ...]:
    """Return the titles of the kinds of memory that any phase knows."""
    return tuple(MEMORY[kind] for kind in _known(record))


def _known(record: Record) -> list[str]:
    peaks = [phase.memory for phase in record.phases]
    return [kind for kind in MEMORY if any(getattr(peak, kind) is not None for peak in peaks)]


def phases(record: Record) -> tuple[PhaseRow, ...]:
    """Return every finished phase with its peaks."""
    listed = record.phases
    times = columns.aligned([columns.seconds(phase.seconds) for phase in listed])
    memory = [
        columns.aligned([_bytes(getattr(phase.memory, field)) for phase in listed])
        for field in _known(record)
    ]
    return tuple(
        PhaseRow(
            name=phase.name.replace("_", " "),
            seconds=times[place],
            memory=tuple(column[place] for column in memory),
        )
        for place, phase in enumerate(listed)
    )


def _bytes(peak: int | None) -> str:
    return UNKNOWN if peak is None else columns.bytes_(peak)


def steps(record: Record) -> tuple[StepRow, ...]:
    """Return the steps, up to ``MOST_STEPS``, all in seconds with the same digits."""
    return tuple(_step(step) for step in record.steps[:MOST_STEPS])


def _norm(value: float) -> str:
    return f"{value:.4f}" if value < 1e6 else f"{value:.4g}"


def _step(step: Step) -> StepRow:
    return StepRow(
        number=step.index + 1,
        role=step.role,
        seconds=f"{step.seconds:.4f}",
        exact_seconds=exact(step.seconds),
        padded=units.count(step.tokens_padded),
        real=units.count(step.tokens_real),
        counted=units.count(step.tokens_loss),
        loss=bounded(step.loss_text or UNKNOWN) if step.loss is None else f"{step.loss:.4f}",
        exact_loss="" if step.loss is None else exact(step.loss),
        gradient=UNKNOWN if step.gradient_norm is None else _norm(step.gradient_norm),
        data=UNKNOWN if step.data_seconds is None else f"{step.data_seconds:.4f}",
        collector=UNKNOWN if step.collector_seconds is None else f"{step.collector_seconds:.4f}",
    )


def requested_and_running(record: Record) -> tuple[tuple[str, str, str], ...]:
    """Return (setting, requested, running) where a request has its counterpart."""
    running, method = record.effective, record.case.method
    if running is None:
        return ()
    nf4, adapter = method.quantization, method.adapter
    share = running.quantized_parameters / max(running.total_parameters, 1)
    every = f"{running.trainable_parameters:,} of {running.total_parameters:,} parameters"
    return (
        ("Loop", phrases.LOOPS[record.case.loop], running.trainer_class),
        ("Attention", method.attention, running.attention),
        ("Autocast", "bfloat16" if method.autocast else "none", running.autocast or "none"),
        ("Gradient checkpointing", method.gradient_checkpointing, running.gradient_checkpointing),
        ("Loss", _loss(record.case), running.loss_kernel),
        ("Optimizer", method.optimizer.name, running.optimizer_class),
        ("Packing", record.case.workload.packing, running.packing),
        (
            "Base weights",
            f"{nf4.scheme}, double quantization" if nf4 else "16 bits",
            f"{units.percent(share)} of parameters in 4 bits" if share else "none quantized",
        ),
        (
            "Adapters on",
            adapter.targets if adapter else "none",
            ", ".join(running.adapter_targets),
        ),
        ("Trained", f"rank {adapter.rank} adapters" if adapter else "every parameter", every),
        ("Trained in", _ENGINES_CHOICE, ", ".join(running.trainable_dtypes)),
        *_experts(record.case, running),
    )


def _experts(case: Case, running: Effective) -> Iterator[tuple[str, str, str]]:
    """Yield how experts are computed, in a model that has some."""
    if case.model.architecture.experts is None:
        return
    asked, seen = case.method.experts, running.others.get("experts_path")
    yield "Experts", _ENGINES_CHOICE if asked == "engine" else asked, str(seen or UNKNOWN)


def _loss(case: Case) -> str:
    if case.method.liger:
        return "Liger"
    return "fused where the trainer has one" if case.method.fused_loss else "unfused"


def flat(case: Case) -> facts.Facts:
    """Return the whole request, one line a value."""
    return tuple(_flat(msgspec.to_builtins(case), ""))


def _flat(value: object, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(each, f"{at}.{key}" if at else str(key))
    else:
        text = "none" if value is None else " ".join(str(value).split())
        yield at, bounded(text)
