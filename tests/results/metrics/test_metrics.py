"""Metrics are computed from raw samples, exactly, and answer None rather than guess."""

import msgspec
import pytest

from suite.results import replicates
from suite.results.metrics import all_metrics
from suite.results.record import Record, Telemetry
from suite.wire import Memory, Phase, Step
from support import records


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
        ("step_seconds", 15 / 4),
        ("step_seconds_low", None),  # of four steps
        ("step_seconds_error", None),
        ("tokens_per_second", 300 / 15),
        ("padded_tokens_per_second", 400 / 15),
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
    """Warm-up and first step stay out of the steady figures, which are all over all."""
    assert value(tag, records.record(steps=STEPS)) == expected


def steady(*seconds: float, **changes: object) -> tuple[Step, ...]:
    return tuple(step(index, each, **changes) for index, each in enumerate(seconds))


def spans(steps: tuple[Step, ...], wait: float = 0.25) -> tuple[tuple[float, float], ...]:
    """When steps were that follow each other after a wait, the first one from 7 s on."""
    begin, found = 7.0, []
    for each in steps:
        found.append((begin, begin + each.seconds))
        begin += each.seconds + wait
    return tuple(found)


def test_a_step_takes_what_a_job_takes() -> None:
    """Waits between steps are in the step time and in every rate: 20 steps of 1 s, 19 waits."""
    steps = steady(*[1.0] * 20)
    record = records.record(steps=steps, step_elapsed_seconds=spans(steps))
    assert value("step_seconds", record) == pytest.approx((20 + 19 * 0.25) / 20)
    assert value("tokens_per_second", record) == pytest.approx(20 * 80 / (20 + 19 * 0.25))
    assert value("step_seconds_low", record) == 1.0, "the GPU's own time has no waits"


def test_garbage_collection_is_in_the_mean_and_not_in_the_quantile() -> None:
    """A stall of 0.5 s every tenth step is 5 % of a job; one step in ten tells nothing of it."""
    seconds = [1.0 + 0.01 * (n % 3) + (0.5 if n % 10 == 9 else 0.0) for n in range(20)]
    steps = steady(*seconds)
    record = records.record(steps=steps, step_elapsed_seconds=spans(steps, wait=0.0))
    assert value("step_seconds", record) == pytest.approx(sum(seconds) / 20)
    assert sum(seconds) / 20 > 1.04 * sorted(seconds)[10], "the median hides it"
    assert value("step_seconds_low", record) == 1.0


def test_without_spans_the_waits_for_data_are_what_is_known_of_waits() -> None:
    """Of all batches but the first, which was fetched before the first steady step began."""
    steps = steady(1.0, 1.0, 1.0, 1.0, data_seconds=0.1)
    record = records.record(steps=(step(9, 5.0, "warmup", data_seconds=0.9), *steps))
    assert value("step_seconds", record) == pytest.approx(4.3 / 4)
    assert value("step_seconds", records.record(steps=steady(1.0, 3.0))) == 2.0


@pytest.mark.parametrize(
    "odd",
    [
        ((7.0, 8.0), (8.0, 9.0)),
        ((7.0, 8.0), (9.0, 10.0), (8.0, 9.0)),
        ((7.0, 8.0), (7.5, 8.5), (8.0, 9.0)),
        ((7.0, 8.0), (8.0, 8.0), (8.0, 8.0)),
        ((8.0, 7.0), (7.0, 6.0), (6.0, 5.0)),
        ((7.0, 8.0), (8.0, 9.0), (9.0, 1e300)),
        ((7.0, 8.0), (8.0, float("nan")), (9.0, 10.0)),
        ((7.0, 8.0), (8.0, 9.0), (1e300, 1e300)),
    ],
)
def test_spans_that_cannot_be_make_no_step_faster(odd: tuple[tuple[float, float], ...]) -> None:
    """Too few, unsorted, overlapping, empty, backwards, endless: as if a record had none."""
    record = records.record(steps=steady(1.0, 1.0, 1.0), step_elapsed_seconds=odd)
    assert value("step_seconds", record) == 1.0


def test_a_low_quantile_lies_a_tenth_of_the_way_up() -> None:
    """Of eleven steps it is the second shortest, whatever their order."""
    seconds = [1.0 + n / 10 for n in (5, 2, 9, 1, 0, 10, 3, 7, 4, 8, 6)]
    assert value("step_seconds_low", records.record(steps=steady(*seconds))) == pytest.approx(1.1)


@pytest.mark.parametrize("change", [{"tokens_padded": 90}, {"row_tokens": (40, 60)}])
def test_steps_of_unlike_work_have_no_low_quantile(change: dict[str, object]) -> None:
    """It would be that of the smallest batches; what all of them take is known all the same."""
    steps = (*steady(*[1.0] * 9, row_tokens=(50, 50)), step(9, 2.0, row_tokens=(50, 50)))
    unlike = (*steps[:-1], msgspec.structs.replace(steps[-1], **change))
    assert value("step_seconds_low", records.record(steps=steps)) == 1.0
    record = records.record(steps=unlike)
    assert value("step_seconds_low", record) is None
    assert value("step_seconds_error", record) is None
    assert value("step_seconds", record) == pytest.approx(1.1)


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
    """The value across launches is the median of per-launch means, with its range."""
    metric = all_metrics()["step_seconds"]
    runs = [
        records.record(launch=3, steps=(step(0, 9.0),)),
        records.record(launch=1, steps=tuple(step(i, 1.0) for i in range(50))),
        records.record(launch=2, steps=(step(0, 2.0), step(1, 4.0))),
    ]
    (group,) = replicates.group(runs)
    assert [record.launch for record in group.records] == [1, 2, 3]
    found = replicates.summarize(group, metric)
    assert found == replicates.MedianWithRange(
        median=3.0, low=1.0, high=9.0, launches=3, over_window=True
    )


def test_one_launch_says_how_well_it_knows_its_number() -> None:
    """The ± of its steps, on what goes with their mean; several launches have their range."""
    record = records.record()
    (one,) = replicates.group([record])
    (two,) = replicates.group([record, records.record(launch=2)])
    for tag in ("step_seconds", "tokens_per_second", "padded_tokens_per_second"):
        metric = all_metrics()[tag]
        found, several = replicates.summarize(one, metric), replicates.summarize(two, metric)
        assert found is not None
        assert several is not None
        assert found.error == value("step_seconds_error", record) is not None
        assert several.error is None
    found = replicates.summarize(one, all_metrics()["load_seconds"])
    assert found is not None
    assert (found.over_window, found.error) == (False, None)


def test_only_good_launches_count_and_none_of_them_is_left_out() -> None:
    """A killed launch gives no number; a good one that cannot answer makes the whole unknown."""
    metric = all_metrics()["step_seconds"]
    good, killed = records.record(launch=1), records.failed(launch=2, outcome="killed")
    (group,) = replicates.group([good, killed])
    found = replicates.summarize(group, metric)
    assert found is not None
    assert found.launches == 1
    (group,) = replicates.group([good, msgspec.structs.replace(good, launch=2, steps=())])
    assert replicates.summarize(group, metric) is None


def test_a_changed_record_is_computed_anew() -> None:
    """What is kept of one record is not another's, though they share all but their steps."""
    compute = all_metrics()["step_seconds"].compute
    slow = records.record(seconds=0.4)
    assert compute(slow) == compute(slow) == pytest.approx(0.4 * 1.019)
    fast = msgspec.structs.replace(slow, steps=records.steps(0.1))
    assert compute(fast) == pytest.approx(0.1 * 1.019)
    assert compute(slow) == pytest.approx(0.4 * 1.019)
