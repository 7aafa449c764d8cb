"""Extra time of longer steps is told apart by its power, and not where that cannot be known."""

import itertools

import msgspec
import pytest

import records
from suite.results.long_steps import LongSteps, long_steps
from suite.results.record import Record

LENGTHS = (1.0, 1.2, 1.0, 1.4, 1.1, 1.0, 1.3, 1.0, 1.2, 1.1)
PERIOD = 0.05


def restless(
    extra_watts: float, lengths: tuple[float, ...] = LENGTHS, **changes: object
) -> Record:
    """Steady steps that draw 100 W for their first second, then ``extra_watts`` to their end."""
    ends = list(itertools.accumulate((1.0,) * 7 + lengths, initial=1.0))
    spans = tuple(itertools.pairwise(ends))
    times = tuple(PERIOD * n for n in range(int(ends[-1] / PERIOD) + 20))

    def watts(at: float) -> float:
        into = next((at - begin for begin, end in spans if begin <= at < end), 0.0)
        return extra_watts if into > 1.0 else 100.0

    joules = tuple(
        itertools.accumulate((PERIOD * watts(at + PERIOD / 2) for at in times[:-1]), initial=0.0)
    )
    columns = {
        name: (value[0],) * len(times)
        for name, value in msgspec.structs.asdict(records.telemetry()).items()
        if isinstance(value, tuple) and len(value) == 61
    }
    telemetry = records.telemetry(
        **{
            **columns,
            "elapsed_seconds": times,
            "energy_joules": joules,
            "step_elapsed_seconds": spans,
            **changes,
        }
    )
    steps = tuple(
        msgspec.structs.replace(step, tokens_padded=512) for step in records.on_gpu().steps
    )
    return records.on_gpu(telemetry=telemetry, steps=steps)


@pytest.mark.parametrize(("watts", "cause"), [(20.0, "waits"), (100.0, "computes")])
def test_the_slope_is_the_power_of_the_extra_time(watts: float, cause: str) -> None:
    """Extra tenths of a second at 20 W or at 100 W, after a second at 100 W in each step."""
    found = long_steps(restless(watts))
    assert found is not None
    assert found.extra_watts == pytest.approx(watts, abs=2)
    assert found.cause == cause
    assert found.steps == len(LENGTHS)
    assert found.deviation == pytest.approx(0.126, abs=0.001)


def test_a_wide_margin_decides_nothing() -> None:
    """Half the mean power lies within the margin."""
    found = LongSteps(steps=20, deviation=0.05, mean_watts=600, extra_watts=250, margin_watts=80)
    assert found.cause == "unclear"


def test_nothing_is_said_of_steps_alike_of_strangers_or_without_energy() -> None:
    """Equal steps, another process on the card, a missing counter, no telemetry, unlike rows."""
    assert long_steps(restless(20.0)) is not None
    assert long_steps(restless(20.0, (1.0,) * 10)) is None
    assert long_steps(restless(20.0, foreign_processes=1)) is None
    without = restless(20.0)
    assert without.telemetry is not None
    gone = (None,) * len(without.telemetry.energy_joules)
    assert long_steps(restless(20.0, energy_joules=gone)) is None
    assert long_steps(msgspec.structs.replace(without, telemetry=None)) is None
    steps = tuple(
        msgspec.structs.replace(step, tokens_padded=500 + step.index) for step in without.steps
    )
    assert long_steps(msgspec.structs.replace(without, steps=steps)) is None
