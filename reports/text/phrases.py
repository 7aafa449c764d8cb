"""What pages and Markdown call things: cases, workloads, metrics and their values."""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping

from suite import units
from suite.catalog import loops
from suite.catalog.case import Case
from suite.catalog.tier import Workload
from suite.results.memory.ledger import Part
from suite.results.metrics import Metric
from suite.results.plan import Plan
from suite.results.record import Record
from suite.results.replicates import Replicates
from suite.results.scatter.noise import noise as scatter
from suite.results.telemetry.long_steps import Cause, LongSteps

PHASES = {
    "start": "while starting",
    "import": "while importing the engine",
    "load": "while loading the weights",
    "prepare": "while preparing the training",
    "first_step": "in the first step",
    "steady": "in the steps after the first",
    "finish": "while ending",
}
OUTCOMES = {
    "ok": "Ran",
    "oom": "Out of memory",
    "unsupported": "Not supported",
    "timeout": "Timed out",
    "error": "Failed",
    "killed": "Killed",
    "skipped": "Skipped",
    "invalid": "Invalid",
}
OUTCOME_HELP = {
    "ok": "The case ran to its end and passed every truth check that could be made.",
    "oom": "Host or GPU memory did not suffice.",
    "unsupported": "No library here can run this method on this model; the reason is given.",
    "timeout": "A phase or a step took longer than its limit.",
    "error": "The engine or the suite raised an error; its last lines are on the result's page.",
    "killed": "The worker was ended by a signal.",
    "skipped": "The case was not started.",
    "invalid": "The case ran, but a truth check failed: its numbers do not count.",
}
LOOPS = {name: loop.words for name, loop in loops.LOOPS.items()}
#: Parts of the memory ledger, and what each is.
PARTS: dict[Part, tuple[str, str]] = {
    "frozen_weights": ("Frozen weights", "not trained"),
    "quantization_state": ("Quantization state", "the scales of 4-bit weights"),
    "trained_weights": ("Trained weights", "adapters, or the whole model"),
    "gradients": ("Gradients", "of the trained weights"),
    "optimizer_state": ("Optimizer state", "what it keeps about each trained weight"),
    "buffers": ("Buffers", "tensors of the model that are no weights"),
    "workspaces": ("Workspaces", "what cuBLAS keeps for its matrix products"),
    "other_tensors": (
        "Other tensors",
        "alive between steps: the batch, and what the engine keeps for itself",
    ),
    "activations": (
        "Activations",
        "what the peak of a step adds to its beginning, less gradients; workspace included",
    ),
    "residual": ("Residual", "handed out by torch, explained by no other line"),
    "fragmentation": ("Fragmentation", "reserved by torch at the peak, not handed out"),
    "context": ("CUDA context and libraries", "what the driver counts beyond torch"),
}
_DATA = {
    "fixed": "fixed-length sequences",
    "real-length": "real-length sequences",
    "text": "text",
}

FILL = 2  #: how random weights are drawn today, ``FILL_VERSION`` of ``suite.worker.model.weights``
_DRAWN = re.compile(r"dummy seed (\d+)(?: fill (\d+))?")

#: How each unit is printed; pages list metrics in this order of units.
_FORMATS: dict[str, Callable[[float], str]] = {
    "tokens/second": lambda value: units.rate(value, "token/s"),
    "seconds": units.seconds,
    "bytes": units.bytes_,
    "FLOP/second": lambda value: units.scaled(value, "FLOP/s"),
    "joules/token": lambda value: units.scaled(value, "J/token"),
    "watts": lambda value: f"{value:,.0f} W",
    "megahertz": lambda value: f"{value:,.0f} MHz",
    "share": units.percent,
    "count": units.count,
    "nats": lambda value: f"{value:.4f} nats",
}


def in_order(metrics: Iterable[Metric]) -> list[Metric]:
    """Return the metrics as pages list them: by unit, then by title."""
    order = list(_FORMATS)
    return sorted(metrics, key=lambda metric: (order.index(metric.unit), metric.title))


def number(metric: Metric, value: float) -> str:
    """Return a metric's value with its unit, as people read it."""
    return _FORMATS[metric.unit](value)


def outcome(record: Record) -> str:
    """Return what became of the case: ``Out of memory while loading the weights``."""
    where = PHASES.get(record.phase or "", "")
    if record.outcome in ("unsupported", "skipped", "invalid", "ok"):
        where = ""
    return f"{OUTCOMES[record.outcome]} {where}".strip()


def work(workload: Workload) -> str:
    """Return the work of one optimizer step: ``4 rows of up to 128 tokens, text``."""
    longest = "" if workload.data == "fixed" else "up to "
    rows = f"{workload.batch_sequences} × {longest}{workload.sequence_tokens:,} tokens"
    parts = [rows, _DATA[workload.data]]
    if workload.gradient_accumulation > 1:
        parts.append(f"{workload.gradient_accumulation} batches accumulated")
    if workload.packing != "none":
        parts.append(workload.packing)
    if workload.parallel is not None:
        parts.append(workload.parallel.words)
    return ", ".join(parts)


def command(plan: Plan) -> str:
    """Return the command line that a run was started with."""
    # pytest itself and scripts that compare sides start runs too; their plans say so.
    first, *_ = (*plan.argv, "")
    if first.endswith(".py"):
        return shlex.join(["python", *plan.argv])
    start = [] if first in ("pytest", "python") else ["./tunebench"]
    return shlex.join([*start, *plan.argv])


def launches(good: int, total: int) -> str:
    """Return how many launches stand behind a row: ``1 launch``, ``4 of 5 launches``.

    Without a good one there is no number to stand behind, and the total is said alone.
    """
    noun = launch_noun(total)
    return f"{total} {noun}" if good in (0, total) else f"{good} of {total} {noun}"


def repeats(group: Replicates) -> str:
    """Return how many launches a case has, and of how many runs: ``6 launches in 2 runs``.

    A single run is not said.
    """
    counted = launches(len(group.ok), len(group.records))
    runs = len({record.run_id for record in group.records})
    return counted if runs == 1 else f"{counted} in {runs} sessions"


def noise(group: Replicates) -> str:
    """Return a case's scatter over launches in one line, or nothing where it has too few.

    ``Qwen3-8B · LoRA, 2 × 2,048 tokens, fixed-length sequences: launch-to-launch spread 0.4 % over
    5 launches (range 1.0 %)``
    """
    scattered = scatter(group)
    if scattered is None or scattered.spread is None or scattered.range is None:
        return ""
    spread, span = units.percent(scattered.spread), units.percent(scattered.range)
    return (
        f"{case_title(group.case)}, {work(group.case.workload)}: repeat-to-repeat spread {spread}"
        f" over {scattered.launches} repeats (range {span})"
    )


def launch_noun(number: int) -> str:
    """Return the noun for so many launches."""
    return "repeat" if number == 1 else "repeats"


def weights(records: Iterable[Record]) -> tuple[str, ...]:
    """Return what the base weights of these records mean to a reader of their numbers."""
    listed = list(records)
    return (*dict.fromkeys(_weights(record.weights) for record in listed), *routing(listed))


def routing(records: Iterable[Record]) -> tuple[str, ...]:
    """Return, for each mixture of experts on dummy weights, what they do to its times."""
    return tuple(
        dict.fromkeys(
            f"{short(record.case.model.title)}: a random router spreads tokens almost evenly over"
            " the experts, a trained one does not. So these times assume that all experts are"
            " equally busy."
            for record in records
            if record.weights.startswith("dummy")
            and record.case.model.architecture.experts is not None
        )
    )


def _weights(text: str) -> str:
    if text.startswith("dummy"):
        return (
            "Random weights: every tensor has its full size and random values from the seed."
            " Losses say whether methods compute the same thing, not how well a model learns."
            " Speed and memory depend on tensor shapes. Values matter only for expert routing and"
            " power. Random 4-bit weights share one scale; real ones have one per block. The"
            " published results have steps on both, taken in turns."
        )
    return f"Base weights: {text}."


def weights_name(text: str) -> str:
    """Return what a reader calls base weights: ``random weights (seed 17)``, or else as they are.

    Values that an older suite drew are not those of today: they are told by their number.
    """
    drawn = _DRAWN.fullmatch(text)
    if drawn is None:
        return "random weights" if text == "dummy" else text  # of a case that drew none
    seed, fill = drawn[1], int(drawn[2] or 1)
    older = "" if fill == FILL else f", fill {fill}"
    return f"random weights (seed {seed}{older})"


def weights_named(texts: Iterable[str]) -> str:
    """Return the names of base weights in one phrase, each once."""
    return ", ".join(dict.fromkeys(map(weights_name, texts)))


def short(text: str) -> str:
    """Return the text or its beginning: a table has no room for more, a record's page has."""
    return text if len(text) <= 240 else f"{text[:239].rstrip()}…"


def case_title(case: Case) -> str:
    """Return ``Tiny Qwen3 · Unsloth LoRA``."""
    return f"{case.model.title} · {case.method.title}"


def when(timestamp: str) -> str:
    """Return ``2026-11-24 07:00 UTC`` of an ISO 8601 time in UTC; other text as it is."""
    date, found, time = timestamp.partition("T")
    return f"{date} {time[:5]} UTC" if found and time.endswith(("Z", "+00:00")) else timestamp


CAUSES: Mapping[Cause, str] = {
    "waits": "waited",
    "computes": "computed",
    "unclear": "not clear",
}


def long_steps(found: LongSteps) -> str:
    """Return by how much steps differ, and what the GPU did in the extra time."""
    then = f"so the GPU {CAUSES[found.cause]}"
    if found.cause == "unclear":
        then = "which leaves open whether the GPU waited or computed"
    clock = clock_slope(found)
    return (
        f"by {units.percent(found.deviation)} (standard deviation); the extra time drew"
        f" {extra_power(found)} where steps draw {found.mean_watts:,.0f} W,"
        + (f" and the SM clock changed by {clock} for each percent longer," if clock else "")
        + f" {then}"
    )


def clock_slope(found: LongSteps) -> str:
    """Return how the clock goes with the length of steps, for example "+0.77 ± 0.32 %"."""
    if found.clock_slope is None or found.clock_margin is None:
        return ""
    return f"{found.clock_slope:+.2f} ± {found.clock_margin:.2f} %".replace("-", "−")


def extra_power(found: LongSteps) -> str:
    """Return the power of the extra time and its margin, for example "107 ± 57 W"."""
    return f"{found.extra_watts:,.0f} ± {found.margin_watts:,.0f} W"


LONGEST_TEXT = 2_000


def bounded(text: str) -> str:
    """Return the text, or its beginning and how much more the JSON holds."""
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]} … ({len(text) - LONGEST_TEXT:,} more characters in the JSON)"
