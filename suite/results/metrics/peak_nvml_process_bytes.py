"""GPU memory of the process as the driver counts it."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import training_peak


def _compute(record: Record) -> float | None:
    return training_peak(record, "nvml_process_peak_bytes")


METRIC = Metric(
    title="Peak of the process on the GPU",
    unit="bytes",
    better="lower",
    help=(
        "The most that NVML counted for the process, over the first and the steady steps: what"
        " torch reserved, the CUDA context and the libraries. Sampled, so it can miss short peaks."
    ),
    compute=_compute,
)
