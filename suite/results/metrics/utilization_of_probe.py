"""How near training comes to the matrix products this card really does."""

from suite.results.metrics import Metric, model_flops_per_second
from suite.results.record import Record


def _compute(record: Record) -> float | None:
    probe, rate = record.environment.probe, model_flops_per_second.METRIC.compute(record)
    if probe is None or rate is None:
        return None
    return rate / probe.matmul_flops_per_second / record.case.gpus


METRIC = Metric(
    title="Utilization of the measured peak",
    unit="share",
    better="higher",
    help=(
        "Model FLOP/s over what a large bfloat16 matrix product on random data reached on the"
        " same GPU in the same session. More than 1 is impossible and makes a result invalid."
    ),
    compute=_compute,
    over_window=True,
)
