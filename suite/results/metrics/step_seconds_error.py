"""How well one launch knows its own step time."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.validity.settled import settled


def _compute(record: Record) -> float | None:
    return settled(record).error


METRIC = Metric(
    title="Step time, ±",
    unit="share",
    better="lower",
    help=(
        "Half of the 95 % interval of the mean step of one repeat, as a share of it, from how far"
        " the means of blocks of steps differ. Steps in which garbage was collected are left"
        " out: they come in turn, not by chance. It says how well this repeat knows its number,"
        " not how far the next repeat will be from it."
    ),
    compute=_compute,
)
