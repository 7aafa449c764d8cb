"""What telemetry and the memory ledger say stands on a record's page, in words and as charts."""

import statistics
from pathlib import Path

import msgspec
import pytest

from reports.pages.record import memory as memory_view
from reports.pages.record import telemetry as gpu_view
from reports.site.build import build
from reports.text import facts
from reports.text import numbers as cells
from suite import units
from suite.results.metrics import all_metrics
from suite.results.record import Gpu, Record
from suite.wire import Failure
from support import records, sites

MIB = 1 << 20


def with_gpu(**changes: object) -> Record:
    gpu = Gpu(name="A GPU", uuid_hash="0", driver="1", power_limit_watts=150.0)
    environment = msgspec.structs.replace(records.environment(), gpu=gpu)
    return records.on_gpu(environment=environment, **changes)


def render(record: Record, folder: Path) -> sites.Page:
    site = build(sites.collection(record), folder / "site").parent
    return sites.Page(site / "records" / f"{record.record_id}.html")


def section(page: sites.Page, heading: str) -> str:
    (found,) = [e for e in page.all("section") if e.attributes["aria-labelledby"] == heading]
    return found.text


def watched(**changes: object) -> gpu_view.RecordTelemetry:
    found = gpu_view.of_record(with_gpu(telemetry=records.telemetry(**changes)))
    assert found is not None
    return found


def test_the_ledger_is_a_table_that_says_its_total_and_its_residual(tmp_path: Path) -> None:
    """Every part in bytes with its share, the driver's total, and host memory beside it."""
    page = render(with_gpu(), tmp_path)
    text = section(page, "ledger")
    assert "Adds up. 10 MiB (0.67 %) is explained by no line" in text
    assert "Frozen weights, uint8 not trained; 4-bit weights, packed 0.391 GiB 26.67 %" in text
    assert "CUDA context and libraries" in text
    assert "NVML's count for the process 1.465 GiB" in text
    assert "at the peak of the steady phase" in text
    assert "Peak host RSS of the worker 900 MiB" in text
    shown = [e.attributes["value"] for e in page.all("data")]
    assert str(239 * MIB) in shown


def test_a_record_says_how_far_losses_and_gradient_norms_of_all_steps_lie_apart(
    tmp_path: Path,
) -> None:
    """The largest of any step, also where losses are identical and one step's gradient is not."""
    steps = list(records.steps())
    steps[6] = msgspec.structs.replace(steps[6], gradient_norm=1.518)
    ours = records.record(method="unsloth-lora", steps=tuple(steps))
    site = build(sites.collection(records.record(), ours), tmp_path / "site").parent
    assert (
        "Losses: agrees. With LoRA: first loss within 0.05 %, all 0.10 %, gradient norms 1.5 %."
        " The losses of all 17 steps are identical; no gradient norm differs by more than 1.2 %."
    ) in sites.Page(site / "records" / f"{ours.record_id}.html").text


def test_a_ledger_that_does_not_add_up_says_so() -> None:
    """More than is there is a negative residual, and as wrong as less."""
    found = memory_view.of_record(
        records.on_gpu(ledger=records.ledger(activations_bytes=300 * MIB))
    )
    assert found is not None
    assert (found.kind, found.verdict) == ("bad", "Does not add up.")
    assert found.text.startswith("−51 MiB (3.4 %)")
    (residual,) = [row for row in found.rows if row.name == "Residual"]
    assert residual.size.text == "−0.050 GiB"
    assert 0 < residual.bar < 100


def test_an_unknown_total_is_words(tmp_path: Path) -> None:
    """Where torch counts nothing, parts are there and no sum is."""
    nothing = dict.fromkeys(("activations_bytes", "residual_bytes", "fragmentation_bytes"))
    text = section(render(records.record(ledger=records.ledger(**nothing)), tmp_path), "ledger")
    assert "Not known to add up. There is no total: torch counts no memory" in text
    assert "Activations torch counts no memory on this device unknown" in text
    assert "Total unknown" in text


def test_the_steady_steps_are_summed_up(tmp_path: Path) -> None:
    """Quantities, what held the clocks back in words with its share, energy with its source."""
    reasons = tuple(0x4 if index % 2 else 0x1 for index in range(61))
    power = tuple(100.0 if 15 <= index <= 37 else 700.0 for index in range(61))
    telemetry = records.telemetry(throttle_reasons=reasons, power_watts=power)
    text = section(render(with_gpu(telemetry=telemetry), tmp_path), "power")
    assert "Energy: 1 kJ. The rise of the GPU's energy counter over the 10 s" in text
    assert "213 mJ per token (padding excluded)" in text
    assert "come within 0.00 % of it" in text
    assert "Power 100 W 100 W 100 W" in text, "of the steady steps alone"
    assert "SM clock 1,500 MHz" in text
    assert "Memory of the process 8 GiB" in text
    assert "idle in 52 % of samples, power cap in 48 % of samples" in text
    assert "21, the longest gap 500 ms" in text


def test_an_energy_that_may_not_be_quoted_is_not_shown(tmp_path: Path) -> None:
    """The page gives the reasons and no number, here and among the metrics."""
    reasons = tuple(0x40 if index == 20 else 0 for index in range(61))
    telemetry = records.telemetry(throttle_reasons=reasons, foreign_processes=2)
    page = render(with_gpu(telemetry=telemetry), tmp_path)
    text = section(page, "power")
    assert "Energy: not shown." in text
    assert "Hardware thermal slowdown in 1 of 21 samples; 2 other processes" in text
    assert "J per token" not in text
    (unknown,) = [e for e in page.all("li") if e.attributes.get("id") == "joules_per_token"]
    assert unknown.parents


def test_a_short_window_claims_no_agreement() -> None:
    """Counter and power that were not compared are not said to agree."""
    times = tuple((8.0 + index * 0.25, 8.25 + index * 0.25) for index in range(17))
    found = watched(step_elapsed_seconds=times)
    assert found.energy_kind == "bad", "2.5 s are 5 samples"
    assert "come within" not in found.energy_text
    dense = tuple(0.1 * index for index in range(61))
    short = records.telemetry(
        period_seconds=0.1,
        elapsed_seconds=dense,
        energy_joules=tuple(100 * at for at in dense),
        step_elapsed_seconds=tuple((1 + 0.2 * i, 1.2 + 0.2 * i) for i in range(17)),
    )
    shown = gpu_view.of_record(with_gpu(telemetry=short))
    assert shown is not None
    assert shown.energy == "200 J"
    assert "come within" not in shown.energy_text
    assert " Not compared with power readings: 2 s is too short" in shown.energy_text


def test_timelines_are_drawn_with_the_steps_shaded() -> None:
    """Power and clock over the whole case; warm-up and steady steps lie where they were."""
    found = watched()
    assert [drawn.title.split(",")[0] for drawn in found.charts] == [
        "Power in W",
        "SM clock in MHz",
    ]
    power, clock = found.charts
    assert [line.kind for line in power.series] == ["theirs", "ours"], "the limit, dashed"
    assert [line.kind for line in clock.series] == ["ours"]
    before, steady = power.bands
    assert before.left + before.width == pytest.approx(steady.left, abs=0.2)
    assert steady.width / (power.right - power.left) == pytest.approx(10 / 30, abs=0.01)
    assert "mean of" not in power.description


def test_a_long_case_makes_no_large_page(tmp_path: Path) -> None:
    """An hour of samples is drawn from means, the caption says so, and no value is invented."""
    times = tuple(0.1 * index for index in range(36_000))
    telemetry = records.telemetry(
        **{
            name: (getattr(records.telemetry(), name)[0],) * 36_000
            for name in records.telemetry().__struct_fields__
            if name.endswith(("watts", "mhz", "celsius", "reasons", "bytes"))
        }
        | {"elapsed_seconds": times, "energy_joules": times, "period_seconds": 0.1}
    )
    record = with_gpu(telemetry=telemetry)
    page = render(record, tmp_path)
    assert page.path.stat().st_size < 100_000
    assert "Each point is the mean of 120 samples." in section(page, "power")
    found = gpu_view.of_record(record)
    assert found is not None
    (_, line) = found.charts[0].series
    assert line.path.count("L") == gpu_view.MOST_POINTS - 1


def test_an_axis_that_does_not_begin_at_zero_says_so(tmp_path: Path) -> None:
    """Steps that differ by a tenth look far apart otherwise; an axis from 0 needs no word."""
    text = section(render(records.record(steps=records.moved_steps()), tmp_path), "steps")
    assert "hollow points are warm-up. The axis starts at " in text
    idle = watched(power_watts=(0.0, *(700.0,) * 60), sm_clock_mhz=(1_500.0, *(1_600.0,) * 60))
    assert ["The axis starts at" in each.description for each in idle.charts] == [False, True]


def test_means_leave_gaps_as_gaps() -> None:
    """What is unknown in a whole group stays a gap in the line; one known value is its mean."""
    values = (1.0, 3.0, None, None, None, 5.0, 7.0)
    assert gpu_view.means(values, 2) == [2.0, None, 5.0, 7.0]
    assert gpu_view.means(values, 1) == values


def test_a_case_that_ended_early_still_shows_its_timeline(tmp_path: Path) -> None:
    """Out of memory while loading: no summary, no energy, but what the GPU did."""
    record = records.failed(telemetry=records.telemetry(step_elapsed_seconds=()))
    page = render(record, tmp_path)
    text = section(page, "power")
    assert "Energy: not shown. There was no steady step." in text
    assert "Median" not in text
    assert len(page.all("figure")) == 2


@pytest.mark.parametrize("odd", [10**400, 1.7e308, -5, 5e-324])
def test_absurd_telemetry_and_ledgers_render(tmp_path: Path, odd: float) -> None:
    """A stranger's largest and smallest numbers break no page."""
    column = (odd,) * 61
    telemetry = records.telemetry(power_watts=column, sm_clock_mhz=(1,) * 61)
    assert render(with_gpu(telemetry=telemetry), tmp_path / "a").text
    late = tuple(float(index) * 1e300 for index in range(61))
    assert render(with_gpu(telemetry=records.telemetry(elapsed_seconds=late)), tmp_path / "b").text
    whole = int(odd) if odd != 5e-324 else 0
    ledger = records.ledger(activations_bytes=whole, fragmentation_bytes=whole)
    assert render(with_gpu(ledger=ledger), tmp_path / "c").text


def test_records_without_either_have_no_such_sections(tmp_path: Path) -> None:
    """A CPU's record shows no empty headings."""
    page = render(records.record(), tmp_path)
    assert not {"ledger", "power"} & set(page.ids)


@pytest.mark.parametrize(
    ("version", "said"),
    [("28.2.2", "Docker 28.2.2, runc"), ("Podman 4.3.1", "Podman 4.3.1, runc")],
)
def test_the_engine_of_the_container_is_named(version: str, said: str) -> None:
    """A version alone is Docker's."""
    container = records.container(engine_version=version)
    around = msgspec.structs.replace(records.environment(), container=container)
    assert ("Container engine", said) in facts.of_environment(around)


def test_what_ran_out_of_memory_says_how_much_it_asked_for_and_had(tmp_path: Path) -> None:
    """Both in binary units; one that is unknown is left out."""
    asked = Failure(kind="oom", phase="load", message="", requested_bytes=4 << 30, peak_bytes=1)
    page = render(records.failed(failure=asked), tmp_path / "a")
    assert {"Asked for", "Most memory until then"} <= {e.text for e in page.all("dt")}
    assert {"4 GiB", "1 B"} <= {e.text for e in page.all("dd")}
    asked = msgspec.structs.replace(asked, requested_bytes=None)
    page = render(records.failed(failure=asked), tmp_path / "b")
    assert "Asked for" not in {e.text for e in page.all("dt")}


def test_a_record_says_both_numbers_how_well_it_knows_them_and_what_speaks_against_them(
    tmp_path: Path,
) -> None:
    """Mean and low quantile side by side, the mean with its error; drift and faults as notes."""
    steps = tuple(
        msgspec.structs.replace(step, minor_faults=3000) for step in records.moved_steps()
    )
    record = with_gpu(steps=steps, notes=("not steady after 6 steps of warm-up: a rule",))
    page = render(record, tmp_path)
    seconds = [step.seconds for step in steps if step.role == "steady"]
    mean = sum(seconds) / 10 + 0.9 * 0.001  # the waits for all batches but the first
    low = statistics.quantiles(seconds, n=10, method="inclusive")[0]
    moved = sum(seconds[5:]) / sum(seconds[:5]) - 1
    error = all_metrics()["step_seconds_error"].compute(record)
    assert error is not None
    (shown,) = [e.text for e in page.all("dl") if e.attributes.get("class") == "headline"]
    assert f"Step time {units.seconds(mean)} ± {units.percent(error)}" in shown
    assert f"Step time, 10 % quantile {units.seconds(low)}" in page.text
    notes = [e.text for e in page.all("p") if e.attributes.get("class") == "warning"]
    assert notes == [
        f"step time did not settle: its second half was {units.percent(moved)} slower than its"
        " first",
        f"page faults: 3,000 a step, about {units.percent(0.06 / mean)} of its time at 20 µs each",
    ]


def test_tables_of_runs_show_both_numbers_and_what_speaks_against_them(tmp_path: Path) -> None:
    """The same notes beside the numbers, of several launches which ones."""
    faulting = tuple(msgspec.structs.replace(s, minor_faults=3000) for s in records.steps())
    found = [
        records.record(steps=faulting),
        records.record(launch=2, steps=records.moved_steps()),
        records.record(launch=3),
    ]
    page = sites.Page(build(sites.collection(*found), tmp_path / "site").with_name("runs.html"))
    notes = [e.text for e in page.all("small") if e.attributes.get("class") == "note"]
    assert notes == ["step time did not settle: repeat 2", "page faults: repeat 1"]
    lows = [all_metrics()["step_seconds_low"].compute(record) for record in found]
    values = [e.attributes["value"] for e in page.all("data")]
    assert cells.exact(sorted(filter(None, lows))[1]) in values
