"""What is computed from a record, once: its samples never change, and several pages ask for it."""

from collections.abc import Callable
from typing import TypeVar, cast

from suite.results.record import Record

T = TypeVar("T")


def once(name: str) -> Callable[[Callable[[Record], T]], Callable[[Record], T]]:
    """Keep what the function returns with the record, under a name that no other one has."""

    def keeping(compute: Callable[[Record], T]) -> Callable[[Record], T]:
        def kept(record: Record) -> T:
            computed = record.computed
            if name not in computed:
                computed[name] = compute(record)
            return cast(T, computed[name])

        kept.__doc__ = compute.__doc__
        return kept

    return keeping
