"""What is computed once is computed once for each object, and not for its copies."""

from types import SimpleNamespace

import msgspec

from suite.results.memoize import keep, once
from suite.results.record import Record
from support import records


def test_a_value_is_computed_once_for_each_object_and_argument() -> None:
    """Other objects, arguments and functions have values of their own, None among them."""
    asked = []

    @once
    def half(record: Record, number: int = 0) -> None:
        asked.append((record.launch, number))

    @once
    def other(record: Record) -> int:
        return record.launch

    first, second = records.record(launch=1), records.record(launch=2)
    for _ in range(2):
        for record in (first, second):
            half(record)
            half(record, 3)
            assert other(record) == record.launch
    assert asked == [(1, 0), (1, 3), (2, 0), (2, 3)]


def test_a_changed_copy_has_no_values_yet() -> None:
    """What was computed from a record says nothing of another one."""
    count = once(lambda record: len(record.steps))
    record = records.record()
    assert count(record) > 0
    assert count(msgspec.structs.replace(record, steps=())) == 0


def test_a_value_that_was_computed_elsewhere_is_kept() -> None:
    """A copy of the process computes for this one."""
    never = once(lambda owner: 1 / 0)
    owner = SimpleNamespace()
    keep(never, owner, 5)
    assert never(owner) == 5
