"""What a host's probe says: its rates by name, and one number for how fast it is.

Steps that wait for the host are as fast as one thread of it. Rates stand in ``Probe.host`` of
records from schema 3 on; older ones have none.
"""

import math
from collections.abc import Callable, Iterable

import msgspec

from suite import units
from suite.results.record import Record
from suite.wire import HostProbe


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One rate of a probe: the field that holds it, what it counts, and its value as text."""

    field: str
    title: str
    text: Callable[[float], str]

    def of(self, host: HostProbe) -> float | None:
        """Return the rate per second; None is unknown."""
        value: float | None = getattr(host, self.field)
        return value


def _each(value: float) -> str:
    return units.scaled(value, "/s")


def _bytes(value: float) -> str:
    return units.scaled(value, "B/s")


LAUNCHES = Rate(field="kernel_launches_per_second", title="kernel launches", text=_each)
OPERATIONS = Rate(field="python_operations_per_second", title="Python operations", text=_each)
MEMORY = Rate(field="memory_bytes_per_second", title="memory copies of one thread", text=_bytes)
PINNED = Rate(field="pinned_bytes_per_second", title="memory made page-locked", text=_bytes)
RATES = (LAUNCHES, OPERATIONS, MEMORY, PINNED)


def speed(host: HostProbe | None) -> float | None:
    """Return one number for how fast a host works off a step; None where it was not probed.

    The geometric mean of kernel launches and Python operations a second: a step does both, and
    which of them dominates differs from engine to engine. It means something beside that of
    another host only. None on the CPU, where no kernels are launched.
    """
    if host is None:
        return None
    known = [rate.of(host) for rate in (LAUNCHES, OPERATIONS)]
    # Both or nothing: a mean of one rate does not compare with a mean of two.
    if None in known:
        return None
    return math.sqrt(math.prod(value for value in known if value is not None))


def probes(records: Iterable[Record]) -> list[HostProbe]:
    """Return the probes before the first step of those records that have one."""
    found = (record.environment.probe for record in records)
    return [probe.host for probe in found if probe is not None and probe.host is not None]


def processor(cpu: str, host: HostProbe | None) -> str:
    """Return a processor's name and its own numbers: ``A CPU (family 6, model 143, ...)``."""
    if host is None:
        return cpu
    numbers = (
        ("family", host.cpu_family),
        ("model", host.cpu_model),
        ("stepping", host.cpu_stepping),
    )
    known = ", ".join(f"{name} {value}" for name, value in numbers if value is not None)
    return f"{cpu} ({known})" if known else cpu
