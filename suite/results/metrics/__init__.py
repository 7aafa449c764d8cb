"""Metrics: what is computed from a record's raw samples when it is read. One small file each.

A file here that defines ``METRIC`` is a metric, and its name is the metric's tag. It sees old
records too, so it answers None for a record without what it needs, and never a stand-in number.
"""

import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal

import msgspec

from suite.results.memoize import once
from suite.results.record import Record

Unit = Literal[
    "seconds",
    "bytes",
    "tokens/second",
    "FLOP/second",
    "joules/token",
    "watts",
    "megahertz",
    "count",
    "share",
    "nats",
]
#: Tables of the site that take further columns: of all records, and of a model's methods.
Table = Literal["records", "methods"]


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One number per record. ``unit`` is SI; "share" lies between 0 and 1.

    ``compute`` reads raw samples only. ``better`` is None where neither direction is. ``help``
    says in whole sentences what is counted; ``tag`` is filled in from the file's name.
    ``over_window``: it goes with the mean of the steady steps, and has their error
    (``suite.results.validity.settled``). ``columns``: the tables where it is a column of its own;
    exports and a record's page have every metric.
    """

    title: str
    unit: Unit
    better: Literal["lower", "higher"] | None
    help: str
    compute: Callable[[Record], float | None]
    over_window: bool = False
    columns: tuple[Table, ...] = ()
    tag: str = ""


@cache
def all_metrics() -> Mapping[str, Metric]:
    """Return every metric of this folder by tag, in the order of their tags."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        metric = importlib.import_module(f"{__name__}.{module.name}").METRIC
        found[module.name] = msgspec.structs.replace(
            metric, tag=module.name, compute=_finite(metric.compute)
        )
    return MappingProxyType(dict(sorted(found.items())))


def columns(table: Table) -> list[Metric]:
    """Return the metrics that a table has as further columns, in the order of their tags."""
    return [metric for metric in all_metrics().values() if table in metric.columns]


def _finite(compute: Callable[[Record], float | None]) -> Callable[[Record], float | None]:
    @once
    def finite(record: Record) -> float | None:
        value = compute(record)
        # Extreme but valid samples of a stranger can overflow, which is no number to show.
        return value if value is not None and math.isfinite(value) else None

    return finite
