"""How far the memory model is off where it was not fitted: parts of the records are left out.

Each way leaves whole groups out, fits on the rest, and predicts what was left out: a model, a
method, or all long sequences. A prediction gets the case and its number of tokens, nothing else.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from suite.estimate import memory
from suite.estimate.memory import MemoryEstimate
from suite.results.record import Record

#: What a prediction should be within, as a share of what was measured.
TARGET = 0.1
#: Rows of at least so many tokens are long ones.
LONG_TOKENS = 8192

Way = Literal["model", "method", "long sequences"]


class LeftOutPrediction(msgspec.Struct, frozen=True, kw_only=True):
    """One record that the model was not fitted on, predicted; bytes.

    ``left_out`` names the group that was left out with it. ``total_bytes`` is what NVML counted
    for the process, fragmentation and context included; None where it did not.
    """

    way: Way
    left_out: str
    record: Record
    estimate: MemoryEstimate
    allocated_bytes: int
    total_bytes: int | None

    @property
    def allocated_error(self) -> float:
        """Return by what share of the measured peak the prediction is off; negative, too low."""
        return self.estimate.allocated_bytes.value / self.allocated_bytes - 1

    @property
    def total_error(self) -> float | None:
        """Return the same of all that the process held."""
        if not self.total_bytes:
            return None
        return self.estimate.needs_bytes.value / self.total_bytes - 1

    @property
    def activations_error(self) -> float | None:
        """Return the same of activations alone, the part that is fitted; None of none.

        Weights and state are exact and most of a peak: this shows what the fit is worth.
        """
        ledger = self.record.ledger
        size = None if ledger is None else ledger.activations_bytes
        return self.estimate.parts["activations"] / size - 1 if size and size > 0 else None

    @property
    def inside(self) -> bool:
        """Return whether the measured peak lies within the interval."""
        return self.estimate.allocated_bytes.holds(self.allocated_bytes)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All predictions of one way: errors are shares of what was measured, without their sign."""

    way: Way
    groups: int
    cases: int
    median_error: float
    largest_error: float
    largest_total_error: float | None
    median_activations_error: float | None
    largest_activations_error: float | None
    within_target: int
    inside: int


def held_out(records: Iterable[Record]) -> list[LeftOutPrediction]:
    """Return the prediction of every record that can be left out, way by way.

    Nothing where leaving out would leave nothing to fit on.
    """
    known = memory.observations(records)
    found: list[LeftOutPrediction] = []
    for way, label in _WAYS:
        labels = [label(each.record) for each in known]
        for name in dict.fromkeys(labels):
            rest = [each for each, mine in zip(known, labels, strict=True) if mine != name]
            if name and rest:
                fitted = memory.fit_observations(rest)
                found += [
                    _held(fitted, way, name, each)
                    for each, mine in zip(known, labels, strict=True)
                    if mine == name
                ]
    return found


def summaries(found: Sequence[LeftOutPrediction]) -> list[Summary]:
    """Return one summary for each way that has predictions."""
    made = []
    for way in dict.fromkeys(held.way for held in found):
        mine = [held for held in found if held.way == way]
        errors = [abs(held.allocated_error) for held in mine]
        totals = [abs(error) for held in mine if (error := held.total_error) is not None]
        fitted = [abs(error) for held in mine if (error := held.activations_error) is not None]
        made.append(
            Summary(
                way=way,
                groups=len({held.left_out for held in mine}),
                cases=len(mine),
                median_error=statistics.median(errors),
                largest_error=max(errors),
                largest_total_error=max(totals, default=None),
                median_activations_error=statistics.median(fitted) if fitted else None,
                largest_activations_error=max(fitted, default=None),
                within_target=sum(error <= TARGET for error in errors),
                inside=sum(held.inside for held in mine),
            )
        )
    return made


def _held(
    fitted: memory.MemoryModel, way: Way, name: str, seen: memory.MemoryObservation
) -> LeftOutPrediction:
    record = seen.record
    gpu = record.environment.gpu
    return LeftOutPrediction(
        way=way,
        left_out=name,
        record=record,
        estimate=fitted.estimate(
            record.case, None if gpu is None else gpu.memory_total_bytes, tokens=seen.work.tokens
        ),
        allocated_bytes=seen.need.allocated_bytes or 0,
        total_bytes=seen.need.fragmented_bytes,
    )


def _long(record: Record) -> str:
    long = record.case.workload.sequence_tokens >= LONG_TOKENS
    return f"rows of {LONG_TOKENS:,} tokens and more" if long else ""


_WAYS: tuple[tuple[Way, Callable[[Record], str]], ...] = (
    ("model", lambda record: record.case.model.title),
    ("method", lambda record: record.case.method.title),
    ("long sequences", _long),
)
