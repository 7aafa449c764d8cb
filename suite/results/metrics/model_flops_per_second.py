"""Arithmetic that training needs, per second."""

from collections.abc import Sequence

from suite.catalog.case import Case
from suite.catalog.flops import step_flops
from suite.results import samples
from suite.results.computed import once
from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import steady_steps
from suite.wire import Step


def rate(case: Case, steps: Sequence[Step], *, recomputes: bool = False) -> float | None:
    """Return the rate over ``steps`` in FLOP/s, or None where a row's length is unknown.

    ``recomputes`` adds the forward pass that gradient checkpointing runs again.
    """
    if not all(step.row_tokens for step in steps):
        return None
    method, architecture = case.method, case.model.architecture
    counts = {}  # most steps are alike
    for rows in {step.row_tokens for step in steps}:
        found = step_flops(architecture, method.adapter, rows, recomputes=recomputes)
        counts[rows] = found.model + found.recompute
    return samples.rate(steps, [counts[step.row_tokens] for step in steps])


@once("model FLOP/s")
def _compute(record: Record) -> float | None:
    return rate(record.case, steady_steps(record))


METRIC = Metric(
    title="Model FLOP/s",
    unit="FLOP/second",
    better="higher",
    help=(
        "Operations of the forward and backward matrix products on real tokens, divided by the"
        " step's seconds; the median over steady steps, or all over all where batches differ in"
        " length. Frozen layers have no weight gradient, only experts that a token meets count,"
        " and recomputation is not counted."
    ),
    compute=_compute,
)
