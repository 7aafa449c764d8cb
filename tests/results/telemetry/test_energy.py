"""Energy is exact where the samples say it, and is not quoted where anything speaks against it."""

import msgspec
import pytest

from suite.paths import RESULTS
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.storage import run_folder
from suite.results.telemetry.energy import counted, energy, integrated, shortest_integral_seconds
from suite.results.telemetry.window import Window, window_between
from support import records

TOKENS = sum(480 - index for index in range(7, 17))


def measured(**changes: object) -> Record:
    """A case on rows of one length, with telemetry of these columns."""
    case = records.case()
    case = msgspec.structs.replace(
        case, workload=msgspec.structs.replace(case.workload, data="fixed")
    )
    return records.on_gpu(case=case, telemetry=records.telemetry(**changes))


def value(tag: str, record: Record) -> float | None:
    return all_metrics()[tag].compute(record)


def at(index: int, odd: object, usual: object) -> tuple[object, ...]:
    """Return a column in which one sample is odd; the steady steps hold samples 16 to 36."""
    return tuple(odd if here == index else usual for here in range(61))


def shifted(seconds: float, scale: float = 1.0) -> tuple[tuple[float, float], ...]:
    """Return the steps' times, moved and shrunk around the middle of the steady ones."""
    return tuple(
        (13 + (begin - 13) * scale + seconds, 13 + (end - 13) * scale + seconds)
        for begin, end in records.telemetry().step_elapsed_seconds
    )


@pytest.mark.parametrize("moved", [0.0, 0.13, 0.25, 0.499, -0.37])
def test_constant_power_is_exact_wherever_the_window_falls(moved: float) -> None:
    """10 s of 100 W are 1 kJ by counter and by integral, also when no sample is at an end."""
    found = energy(measured(step_elapsed_seconds=shifted(moved)))
    assert found.valid
    assert found.reasons == ()
    assert found.source == "counter"
    assert found.joules == found.counter_joules == pytest.approx(1000.0)
    assert found.integral_joules == pytest.approx(1000.0)
    assert found.seconds == pytest.approx(10.0)
    assert found.tokens_real == TOKENS


def test_rows_of_unequal_length_need_a_longer_window_for_power_readings() -> None:
    """The same eight seconds are compared with the counter where all steps are alike."""
    shorter = shifted(0.0, 0.8)
    uneven = records.on_gpu(telemetry=records.telemetry(step_elapsed_seconds=shorter))
    assert uneven.case.workload.data != "fixed"
    assert energy(measured(step_elapsed_seconds=shorter)).apart is not None
    found = energy(uneven)
    assert found.valid
    assert found.apart is None
    assert found.reasons[0].startswith("not compared with power readings: 8 s is too short")


def test_the_metrics_are_those_of_the_energy() -> None:
    """Joules over real tokens and over the window's seconds; the clock is a mean of samples."""
    record = measured(sm_clock_mhz=at(20, 1290, 1500))
    assert value("joules_per_token", record) == pytest.approx(1000 / TOKENS)
    assert value("mean_power_watts", record) == pytest.approx(100.0)
    assert value("mean_sm_clock_mhz", record) == 1490
    assert value("mean_sm_clock_mhz", measured(sm_clock_mhz=at(20, None, 1500))) is None


def test_power_outside_the_steady_steps_is_not_counted() -> None:
    """Loading and warm-up may draw anything."""
    power = tuple(100.0 if 15 <= index <= 37 else 700.0 for index in range(61))
    assert energy(measured(power_watts=power)).integral_joules == pytest.approx(1000.0)


def without(first: int, last: int) -> dict[str, object]:
    """Return telemetry's columns with the samples between two of them left out."""
    whole = records.telemetry()
    names = [name for name in whole.__struct_fields__ if name not in OTHER_FIELDS]
    return {name: getattr(whole, name)[:first] + getattr(whole, name)[last:] for name in names}


OTHER_FIELDS = ("period_seconds", "step_elapsed_seconds", "foreign_processes", "unavailable")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (without(20, 26), "no sample for 3.5 s, over 2.5 s"),
        ({"throttle_reasons": at(20, 0x8, 0x4)}, "hardware slowdown in 1 of 21 samples"),
        ({"throttle_reasons": at(20, 0x24, 0x4)}, "software thermal slowdown in 1 of 21 samples"),
        ({"throttle_reasons": at(20, 0x40, 0)}, "hardware thermal slowdown in 1 of 21 samples"),
        ({"throttle_reasons": at(20, 0x80, 0)}, "hardware power brake in 1 of 21 samples"),
        ({"foreign_processes": 1}, "1 other process computed on the GPU"),
        ({"power_watts": (90.0,) * 61}, "counter and power readings differ by 10 %, over 5.0 %"),
        ({"energy_joules": at(20, None, 1.0)}, "the energy counter is missing in some samples"),
        ({"energy_joules": at(20, 0.0, 1.0)}, "the energy counter fell"),
        (
            {"energy_joules": (None,) * 61, "power_watts": at(20, None, 100.0)},
            "some power readings are missing",
        ),
        ({"step_elapsed_seconds": shifted(0, 0.1)}, "3 samples in the steady steps, fewer than"),
        ({"step_elapsed_seconds": shifted(20)}, "the samples do not cover the steady steps"),
        ({"step_elapsed_seconds": ()}, "telemetry does not say when each step was"),
        ({"power_watts": (1.0,)}, "the columns of telemetry differ in length"),
        ({"elapsed_seconds": (0.0,) * 61}, "the samples of telemetry are out of order"),
    ],
)
def test_what_speaks_against_it_makes_it_invalid_and_is_said(
    changes: dict[str, object], reason: str
) -> None:
    """The reader gets the reason, and no metric quotes a number."""
    record = measured(**changes)
    found = energy(record)
    assert not found.valid
    assert found.reasons[0].startswith(reason)
    assert value("joules_per_token", record) is None
    assert value("mean_power_watts", record) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"throttle_reasons": at(20, 0x1, 0x4)},
        {"throttle_reasons": at(2, 0x8, 0x4)},
        without(0, 10),
        {"power_watts": (96.0,) * 61},
    ],
)
def test_what_is_ordinary_does_not(changes: dict[str, object]) -> None:
    """The power cap, idling, a slowdown or a gap before the steps, and 4 % between the two."""
    found = energy(measured(**changes))
    assert found.valid
    assert found.reasons == ()


def test_a_card_without_a_counter_has_its_power_integrated() -> None:
    """The source says so, and a window too short for averaged power gives nothing."""
    none = (None,) * 61
    found = energy(measured(energy_joules=none))
    assert found.valid
    assert (found.source, found.joules) == ("integral", pytest.approx(1000.0))
    assert found.reasons == ("no energy counter: power readings were integrated instead",)
    short = energy(measured(energy_joules=none, step_elapsed_seconds=shifted(0, 0.49)))
    assert not short.valid
    assert short.reasons[0].startswith("4.9 s is too short")


def test_a_short_window_is_not_compared_rather_than_called_wrong() -> None:
    """Power averaged over a second cannot refute a counter over a few; that is said."""
    found = energy(measured(power_watts=(50.0,) * 61, step_elapsed_seconds=shifted(0, 0.49)))
    assert found.valid
    assert found.joules == pytest.approx(490.0)
    assert found.reasons[0].startswith("not compared with power readings: 4.9 s is too short")
    missing = energy(measured(power_watts=at(20, None, 100.0)))
    assert missing.valid
    assert missing.reasons == ("not compared with power readings: some are missing",)


def test_what_could_not_be_looked_at_is_said() -> None:
    """Unknown slowdowns and neighbours are doubts, no faults."""
    unavailable = {"foreign_processes": "NVML lists none"}
    found = energy(measured(throttle_reasons=at(20, None, 0), unavailable=unavailable))
    assert found.valid
    assert [reason.split(" is unknown")[0] for reason in found.reasons] == [
        "whether the GPU was slowed down",
        "whether another process computed on the GPU",
    ]


def test_without_telemetry_or_steps_there_is_none() -> None:
    """A CPU's record and a failed one say why instead."""
    assert energy(records.record()).reasons == ("no telemetry was taken",)
    failed = records.failed(telemetry=records.telemetry(step_elapsed_seconds=()))
    assert energy(failed).reasons == ("there was no steady step",)


@pytest.mark.parametrize("odd", [10**400, -(10**400), 1.7e308])
def test_absurd_numbers_give_no_energy(odd: float) -> None:
    """A stranger's largest numbers are refused rather than overflow."""
    for column in ("sm_clock_mhz", "power_watts", "energy_joules"):
        record = measured(**{column: at(20, odd, 1)})
        assert energy(record).reasons == ("telemetry has impossible values",)
        assert value("mean_sm_clock_mhz", record) is None


def published() -> list[Record]:
    runs = sorted(path.parent for path in RESULTS.glob("*/*/journal.jsonl"))
    found = run_folder.read(runs).records
    return [each for each in found if each.telemetry is not None and each.outcome == "ok"]


def test_published_energies_are_valid_and_agree_within_two_percent() -> None:
    """Over whole runs of steady steps, real counters and real power readings are close."""
    assert published()
    for record in published():
        found = energy(record)
        assert found.valid, found.reasons
        if found.seconds is not None and found.seconds >= shortest_integral_seconds(record):
            assert found.counter_joules == pytest.approx(found.integral_joules, rel=0.02)


def test_the_shortest_window_is_one_over_which_real_readings_agree() -> None:
    """Any part of that length of a published run passes; a shorter one would be called wrong."""

    def apart(record: Record, seconds: float) -> list[float]:
        assert record.telemetry is not None
        whole = [
            times
            for step, times in zip(
                record.steps, record.telemetry.step_elapsed_seconds, strict=True
            )
            if step.role == "steady"
        ]
        begin, end, found = whole[0][0], whole[-1][1], []
        while begin + seconds < end:
            window = window_between(record.telemetry, begin, begin + seconds)
            assert isinstance(window, Window)
            counter, power = counted(record.telemetry, window)[0], None
            power = integrated(record.telemetry, window)
            assert counter is not None
            assert power is not None
            found.append(abs(counter - power) / max(counter, power))
            begin += 0.5
        return found

    for record in published():
        assert max(apart(record, shortest_integral_seconds(record)), default=0.0) < 0.05
    for even, seconds in ((True, 2.0), (False, 8.0)):
        found = [r for r in published() if (r.case.workload.data == "fixed") is even]
        assert max(each for record in found for each in apart(record, seconds)) > 0.05


def test_a_record_survives_its_own_json() -> None:
    """Reading and writing does not move an energy."""
    record = measured()
    again = msgspec.json.decode(msgspec.json.encode(record), type=Record)
    assert energy(again) == energy(record)
