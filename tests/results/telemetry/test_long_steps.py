"""Extra time of longer steps is told apart by its power, and not where that cannot be known."""

import itertools

import msgspec
import pytest

from suite.results.record import Record
from suite.results.telemetry.long_steps import LongSteps, long_steps
from support import records

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


@pytest.mark.parametrize(
    ("watts", "margin", "clock", "clock_margin", "cause"),
    [
        (250, 80, 0.0, 0.1, "unclear"),  # half the mean power lies within the margin
        (500, 80, 0.0, 0.1, "computes"),
        (500, 80, -1.0, 0.3, "computes"),  # throttled
        (500, 80, 0.7, 0.3, "waits"),  # at the power limit, where waiting lets the clock rise
        (500, 80, 0.3, 0.6, "unclear"),
        (500, 80, None, None, "unclear"),
        (100, 80, None, None, "waits"),
    ],
)
def test_power_or_the_clock_tells_what_the_gpu_did(
    watts: float, margin: float, clock: float | None, clock_margin: float | None, cause: str
) -> None:
    """Of 600 W: a clear answer needs the margins to leave no other."""
    found = LongSteps(
        steps=20,
        deviation=0.05,
        mean_watts=600,
        extra_watts=watts,
        margin_watts=margin,
        clock_slope=clock,
        clock_margin=clock_margin,
    )
    assert found.cause == cause


def test_a_clock_that_rises_with_the_length_of_steps_means_waiting() -> None:
    """A second at 1,500 MHz, the rest at 3,000: the power alone would say that it computed.

    A step of 1.13 s, the mean, has 1,673 MHz; the next hundredth of it brings 0.8 % more.
    """
    steady = restless(100.0)
    assert steady.telemetry is not None
    spans = steady.telemetry.step_elapsed_seconds
    clocks = tuple(
        next((3000 for begin, end in spans if begin + 1.0 < at < end), 1500)
        for at in steady.telemetry.elapsed_seconds
    )
    found = long_steps(restless(100.0, sm_clock_mhz=clocks))
    assert found is not None
    assert found.clock_slope == pytest.approx(0.8, abs=0.1)
    assert found.cause == "waits"
    still = long_steps(restless(100.0, sm_clock_mhz=(0,) * len(clocks)))
    assert still is not None
    assert (still.clock_slope, still.cause) == (None, "unclear")


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
