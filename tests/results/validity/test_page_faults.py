"""Page faults that cost a step something are said, others are not."""

import msgspec
import pytest

from suite.results.notes import notes
from suite.results.record import Record
from suite.results.validity.page_faults import page_faults
from support import records


def faulting(*counts: int | None, seconds: float = 0.4) -> Record:
    """Steady steps with so many faults each."""
    steps = [step for step in records.steps(seconds, count=len(counts)) if step.role == "steady"]
    return records.record(
        steps=tuple(
            msgspec.structs.replace(step, minor_faults=count)
            for step, count in zip(steps, counts, strict=True)
        )
    )


def test_thousands_of_faults_a_step_are_a_warning() -> None:
    """3,000 of 20 microseconds are 60 ms, a seventh of 0.408 s; one quiet step changes nothing."""
    record = faulting(3000, 3000, 0, 3000, 3000)
    said = "page faults: 3,000 a step, about 15 % of its time at 20 µs each"
    assert page_faults(record) == said
    assert said in notes(record)


@pytest.mark.parametrize("counts", [(2,) * 5, (90,) * 5, (None,) * 5, (0, 0, 0, 9000, 9000)])
def test_few_faults_are_not_worth_a_word(counts: tuple[int | None, ...]) -> None:
    """Below 0.5 % of a step, unknown, or in two steps of five only."""
    assert page_faults(faulting(*counts)) == ""


def test_the_same_faults_cost_a_long_step_nothing() -> None:
    """It is a share of the step: 3,000 in 20 s are 0.3 %."""
    assert page_faults(faulting(*[3000] * 5, seconds=20.0)) == ""


def test_a_case_without_steady_steps_has_none() -> None:
    """Nothing measured, nothing said."""
    assert page_faults(records.failed()) == ""
