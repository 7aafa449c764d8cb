"""How much of the process's memory nothing explains."""

from suite.results.memory.ledger import account
from suite.results.metrics import Metric
from suite.results.record import Record


def _compute(record: Record) -> float | None:
    found = account(record)
    return None if found is None else found.residual_share


METRIC = Metric(
    title="Memory that nothing explains",
    unit="share",
    better="lower",
    help=(
        "Bytes that torch had handed out at the peak of the steady phase and that no line of the"
        " memory ledger explains, over what NVML counted for the process (what torch reserved,"
        " where NVML does not say)."
    ),
    compute=_compute,
)
