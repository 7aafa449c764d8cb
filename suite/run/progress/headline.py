"""One finished case in a few words."""

from suite import units
from suite.results.metrics import all_metrics
from suite.results.record import Record


def numbers(record: Record) -> list[str]:
    """Return the numbers worth a line, most important first; fewer where one is unknown."""
    values = {tag: _value(record, tag) for tag in ("step_seconds", "tokens_per_second")}
    found = []
    if (step := values["step_seconds"]) is not None:
        found.append(f"{units.seconds(step)} a step")
    if (rate := values["tokens_per_second"]) is not None:
        found.append(units.rate(rate, "token/s"))
    if (peak := peak_bytes(record)) is not None:
        found.append(f"peak {units.bytes_(peak)}")
    if record.wall_seconds is not None:
        found.append(f"in {units.seconds(record.wall_seconds)}")
    return found


def peak_bytes(record: Record) -> float | None:
    """Return peak allocated GPU memory, or on a CPU the worker's resident memory."""
    on_cpu = record.environment.gpu is None
    return _value(record, "peak_host_rss_bytes" if on_cpu else "peak_allocated_bytes")


def _value(record: Record, tag: str) -> float | None:
    return all_metrics()[tag].compute(record)
