"""Arithmetic that training needs, per second."""

from collections.abc import Sequence

from suite.catalog.case import Case
from suite.catalog.flops import step_flops
from suite.results.memoize import once
from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import per_second, steady_steps
from suite.wire import Step


def operations(case: Case, steps: Sequence[Step], *, recomputes: bool = False) -> list[int] | None:
    """Return the operations of each step, or None where a row's length is unknown.

    ``recomputes`` adds the forward pass that gradient checkpointing runs again.
    """
    if not all(step.row_tokens for step in steps):
        return None
    method, architecture = case.method, case.model.architecture
    counts: dict[tuple[int, ...], int] = {}  # most steps are alike
    for rows in {step.row_tokens for step in steps}:
        flops = step_flops(architecture, method.adapter, rows, recomputes=recomputes)
        counts[rows] = flops.model + flops.recompute
    return [counts[step.row_tokens] for step in steps]


@once
def _compute(record: Record) -> float | None:
    counts = operations(record.case, steady_steps(record))
    return None if counts is None else per_second(record, counts)


METRIC = Metric(
    title="Model FLOP/s",
    unit="FLOP/second",
    better="higher",
    help=(
        "Operations of the forward and backward matrix products on real tokens: all of the steady"
        " steps over the time from the begin of the first to the end of the last. Frozen layers"
        " have no weight gradient, only experts that a token meets count, and recomputation is"
        " not counted."
    ),
    compute=_compute,
    over_window=True,
)
