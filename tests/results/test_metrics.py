"""Metrics are computed from raw samples, exactly, and answer None rather than guess."""

import msgspec
import pytest

import records
from suite.results import launches
from suite.results.metrics import all_metrics
from suite.results.record import Record, Telemetry
from suite.wire import Memory, Phase, Step


def value(tag: str, record: Record) -> float | None:
    return all_metrics()[tag].compute(record)


def step(index: int, seconds: float, role: str = "steady", **changes: object) -> Step:
    fields = {"tokens_padded": 100, "tokens_real": 80, "tokens_loss": 79, "loss": 6.0}
    return Step(index=index, role=role, seconds=seconds, **{**fields, **changes})  # type: ignore[arg-type]  # a test's own keywords


STEPS = (
    step(0, 5.0, "first", loss=6.25),
    step(1, 3.0, "warmup"),
    step(2, 1.0),
    step(3, 2.0, tokens_real=60),
    step(4, 4.0),
    step(5, 8.0, loss=5.5),
)
MEMORY = Memory(allocated_peak_bytes=7, reserved_peak_bytes=9, host_rss_peak_bytes=5)


def test_every_file_of_the_folder_is_a_metric_that_explains_itself() -> None:
    """The folder is the registry: tags are file names, and each metric says what it counts."""
    assert {"step_seconds", "tokens_per_second", "joules_per_token"} <= set(all_metrics())
    for tag, metric in all_metrics().items():
        assert metric.tag == tag
        assert metric.help.endswith(".")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("step_seconds", 3.0),
        ("tokens_per_second", 300 / 15),  # steps differ in tokens: all over all
        ("padded_tokens_per_second", (50.0 + 25.0) / 2),
        ("padding_share", 1 - 300 / 400),
        ("step_spread", (5.0 - 1.75) / 3.0),
        ("first_step_seconds", 5.0),
        ("first_loss", 6.25),
        ("final_loss", 5.5),
        ("load_seconds", 1.5),
        ("import_seconds", 1.5),
        ("prepare_seconds", 1.5),
        ("harness_seconds", 0.4),
        ("trainable_parameters", 147_456.0),
        ("joules_per_token", None),
    ],
)
def test_exact_values(tag: str, expected: float | None) -> None:
    """Warm-up and first step stay out of the steady figures, medians are medians."""
    assert value(tag, records.record(steps=STEPS)) == expected


def test_steps_of_as_many_tokens_have_a_median_rate() -> None:
    """One stalled step of equal ones does not move throughput; it would move all over all."""
    steps = [step(index, seconds) for index, seconds in enumerate((1.0, 1.0, 9.0))]
    assert value("tokens_per_second", records.record(steps=tuple(steps))) == 80.0


def test_a_record_without_samples_has_no_numbers() -> None:
    """Nothing measured gives None from every metric but those of what did happen."""
    bare = records.failed(phases=(), harness_seconds=None)
    assert {tag: value(tag, bare) for tag in all_metrics()} == dict.fromkeys(all_metrics())


def test_peaks_cover_first_and_steady_steps_only() -> None:
    """Loading may peak higher than training; only training counts."""
    phases = (
        Phase(name="load", seconds=1, memory=Memory(allocated_peak_bytes=99)),
        Phase(name="first_step", seconds=1, memory=MEMORY),
        Phase(name="steady", seconds=1, memory=Memory(allocated_peak_bytes=8)),
    )
    record = records.record(phases=phases)
    assert value("peak_allocated_bytes", record) == 8
    assert value("peak_reserved_bytes", record) is None, "unknown in one phase is unknown"
    assert value("peak_allocated_bytes", records.record(phases=phases[:2])) is None


def test_not_finite_loss_is_no_number() -> None:
    """A loss that was NaN is null in the record, and no metric makes a number of it."""
    steps = (*STEPS[:5], step(5, 1.0, loss=None, loss_text="nan"))
    assert value("final_loss", records.record(steps=steps)) is None


def telemetry(**changes: object) -> Telemetry:
    """100 W from 0 to 30 s, sampled twice a second, over steps that fill seconds 1 to 24."""
    ends = (6.0, 9.0, 10.0, 12.0, 16.0, 24.0)
    times = tuple(zip((1.0, *ends[:-1]), ends, strict=True))
    return records.telemetry(**{"step_elapsed_seconds": times, **changes})


def test_energy_is_the_counters_rise_over_the_steady_steps() -> None:
    """15 s of 100 W over 300 real tokens are 5 J a token, also between two samples."""
    record = records.record(steps=STEPS, telemetry=telemetry())
    assert value("joules_per_token", record) == pytest.approx(5.0)
    off_grid = tuple((a + 0.13, b + 0.13) for a, b in telemetry().step_elapsed_seconds)
    shifted = telemetry(step_elapsed_seconds=off_grid)
    record = records.record(steps=STEPS, telemetry=shifted)
    assert value("joules_per_token", record) == pytest.approx(5.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"foreign_processes": 1},
        {"energy_joules": tuple(None if i == 30 else 50.0 * i for i in range(61))},
        {"energy_joules": (0.0,) * 60 + (-1.0,), "step_elapsed_seconds": ((29.0, 30.0),) * 6},
        {"energy_joules": (1.0, 2.0)},
        {"elapsed_seconds": (0.0,) * 61},
        {"step_elapsed_seconds": ()},
        {"step_elapsed_seconds": tuple((40.0 + i, 41.0 + i) for i in range(6))},
        {"step_elapsed_seconds": tuple((5.0 + i / 10, 5.1 + i / 10) for i in range(6))},
    ],
)
def test_energy_is_unknown_where_the_counter_cannot_say(changes: dict[str, object]) -> None:
    """Strangers on the GPU, gaps, a falling counter, and windows not covered or too short."""
    record = records.record(steps=STEPS, telemetry=telemetry(**changes))
    assert value("joules_per_token", record) is None


def test_launches_are_replicates_and_steps_are_not() -> None:
    """The value across launches is the median of per-launch medians, with its range."""
    metric = all_metrics()["step_seconds"]
    runs = [
        records.record(launch=3, steps=(step(0, 9.0),)),
        records.record(launch=1, steps=tuple(step(i, 1.0) for i in range(50))),
        records.record(launch=2, steps=(step(0, 2.0), step(1, 4.0))),
    ]
    (group,) = launches.group(runs)
    assert [record.launch for record in group.records] == [1, 2, 3]
    found = launches.across(group, metric)
    assert found == launches.Value(median=3.0, low=1.0, high=9.0, launches=3)


def test_only_good_launches_count_and_none_of_them_is_left_out() -> None:
    """A killed launch gives no number; a good one that cannot answer makes the whole unknown."""
    metric = all_metrics()["step_seconds"]
    good, killed = records.record(launch=1), records.failed(launch=2, outcome="killed")
    (group,) = launches.group([good, killed])
    found = launches.across(group, metric)
    assert found is not None
    assert found.launches == 1
    (group,) = launches.group([good, msgspec.structs.replace(good, launch=2, steps=())])
    assert launches.across(group, metric) is None


def test_a_changed_record_is_computed_anew() -> None:
    """What is kept of one record is not another's, though they share all but their steps."""
    compute = all_metrics()["step_seconds"].compute
    slow = records.record(seconds=0.4)
    assert compute(slow) == compute(slow) == pytest.approx(0.404)
    fast = msgspec.structs.replace(slow, steps=records.steps(0.1))
    assert compute(fast) == pytest.approx(0.101)
    assert compute(slow) == pytest.approx(0.404)
