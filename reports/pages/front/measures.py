"""What the first screen can be asked for: speed, memory, energy."""

from collections.abc import Callable

import msgspec

from reports.text.numbers import peak_memory
from suite.results.metrics import Metric, all_metrics
from suite.results.record import Record


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One metric: its name in an address and on a button, its quantity, how to find it."""

    name: str
    title: str
    scale: str
    unit: str
    more: str
    of: Callable[[Record], Metric]

    def words(self, unit: str) -> str:
        """Return measure and unit, and which end is better."""
        return f"{self.unit.format(unit=unit)}, {self.more}"


MEASURES = (
    Measure(
        name="speed",
        title="Tokens per second",
        scale="tokens/second",
        unit="Tokens per second",
        more="more is better",
        of=lambda _: all_metrics()["tokens_per_second"],
    ),
    Measure(
        name="memory",
        title="Peak memory",
        scale="bytes",
        unit="Peak memory in {unit}",
        more="less is better",
        of=peak_memory,
    ),
    Measure(
        name="energy",
        title="Energy per token",
        scale="joules",
        unit="Energy in {unit} per token",
        more="less is better",
        of=lambda _: all_metrics()["joules_per_token"],
    ),
)
