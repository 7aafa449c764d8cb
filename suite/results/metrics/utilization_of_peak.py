"""How near training comes to the vendor's peak."""

from suite.results.metrics import Metric, model_flops_per_second
from suite.results.record import Record


def _compute(record: Record) -> float | None:
    peak = None if record.hardware is None else record.hardware.facts.bf16_flops
    rate = model_flops_per_second.METRIC.compute(record)
    return None if peak is None or rate is None else rate / peak.value / record.case.gpus


METRIC = Metric(
    title="Utilization of the vendor's peak",
    unit="share",
    better="higher",
    help=(
        "Model FLOP/s over the profile's dense bfloat16 peak, whose source the profile names"
        " (known elsewhere as MFU; operations counted as for Model FLOP/s)."
    ),
    compute=_compute,
    over_window=True,
)
