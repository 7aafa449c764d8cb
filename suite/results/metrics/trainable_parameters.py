"""How many parameters the running model trains."""

from suite.results.metrics import Metric
from suite.results.record import Record


def _compute(record: Record) -> float | None:
    return None if record.effective is None else float(record.effective.trainable_parameters)


METRIC = Metric(
    title="Trainable parameters",
    unit="count",
    better=None,
    help="Elements of all tensors that the optimizer updates, counted in the running model.",
    compute=_compute,
)
