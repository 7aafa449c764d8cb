"""What part of one card's lead the host can explain: from records of two paths, never by hand."""

import msgspec
import pytest

from reports.analysis.dataset import Dataset, load
from reports.pages.claims import page
from reports.pages.record import tables
from reports.published import host_part
from reports.published import sources as references
from reports.published.sources import PublishedFigure
from suite import units
from suite.catalog import profile as profiles
from suite.catalog.tier import Workload
from suite.estimate import explain
from suite.paths import RESULTS
from suite.results.record import Record
from suite.results.storage.run_folder import read
from support import gpu_records, records, sites

OTHER = Workload(sequence_tokens=1024, batch_sequences=2)  #: nothing published is of it
TODAY, OLDER = "unsloth-qlora", "unsloth-qlora-expert-loop"
UNKNOWN = "Which host, version and path the source ran is not known."


def claim() -> PublishedFigure:
    """The published one that names an older method."""
    (found,) = [
        figure
        for source in references.everything()
        for figure in source.figures
        if figure.older_method is not None
    ]
    return found


def path(method: str, seconds: float, watts: float | None, **changes: object) -> Record:
    """A good record on an H100 whose every step takes so long and draws so much."""
    steps = tuple(
        msgspec.structs.replace(step, seconds=seconds, tokens_padded=2048, tokens_real=2048)
        for step in records.steps()
    )
    times = tuple(0.5 * index for index in range(int(2 * seconds * len(steps)) + 8))
    telemetry = records.telemetry(
        elapsed_seconds=times,
        power_watts=(watts or 0.0,) * len(times),
        sm_clock_mhz=(1500,) * len(times),
        memory_clock_mhz=(2000,) * len(times),
        temperature_celsius=(50,) * len(times),
        throttle_reasons=(0x4,) * len(times),
        device_memory_bytes=(9 << 30,) * len(times),
        process_memory_bytes=(8 << 30,) * len(times),
        energy_joules=tuple((watts or 0.0) * time for time in times),
        step_elapsed_seconds=tuple(
            (1.0 + index * seconds, 1.0 + (index + 1) * seconds) for index in range(len(steps))
        ),
    )
    ran = "grouped" if method == TODAY else "loop"
    values: dict[str, object] = {
        "workload": OTHER,
        "profile": "h100-sxm",
        "steps": steps,
        "telemetry": None if watts is None else telemetry,
        "effective": records.effective(others={"experts_path": ran}),
    }
    return gpu_records.record("gpt-oss-120b", method, **{**values, **changes})  # type: ignore[arg-type]


def said(*found: Record) -> tuple[str, ...]:
    return host_part.sentences(claim(), load(sites.collection(*found)))


def test_nothing_measured_is_said_as_such() -> None:
    """Neither path, one alone, or a path that was not seen to run: no part is claimed."""
    expected = (
        "Unsloth QLoRA, expert loop beside Unsloth QLoRA was not measured on NVIDIA H100 SXM yet:"
        " what part of this its host explains is not known.",
        UNKNOWN,
    )
    today, older = path(TODAY, 1.0, 600), path(OLDER, 3.0, 300)
    assert said(today) == said(older) == expected
    unseen = path(OLDER, 3.0, 300, effective=records.effective())
    assert said(today, unseen) == expected
    looped = path(TODAY, 3.0, 300, effective=records.effective(others={"experts_path": "loop"}))
    assert said(looped, older) == expected, "the default ran the loop as well"
    wrong = path(OLDER, 3.0, 300, steps=records.steps(3.0, loss=3.0))
    assert said(today, wrong) == expected, "a fast wrong run shows nothing"
    other_run = path(OLDER, 3.0, 300, run_id="20261124T080000Z-0123abcd")
    assert said(today, other_run) == expected, "the two must have run in one sitting"


@pytest.mark.parametrize(
    ("seconds", "watts", "expected"),
    [
        # 3 s at 300 W are 900 J, 300 more than 1 s at 600 W, in 2 s more.
        (
            3.0,
            300,
            "3.00× as long with Unsloth QLoRA, expert loop as with Unsloth QLoRA (1 repeat). The"
            " added time drew 150 W, where Unsloth QLoRA draws 600 W: the GPU mostly waited, so"
            " the host explains up to 67 % of such a step.",
        ),
        (
            3.0,
            500,
            "The added time drew 450 W, where Unsloth QLoRA draws 600 W: the GPU computed in it,"
            " so none of it is shown to be the host's.",
        ),
        (1.01, 600, "(1 repeat): the host's part is too small to be seen."),
        (3.0, None, "Their energy is not known, so neither is what the GPU did meanwhile."),
    ],
)
def test_the_power_of_the_added_time_tells_whose_it_is(
    seconds: float, watts: float | None, expected: str
) -> None:
    """Half of the shorter path's power divides waiting from computing, as for longer steps."""
    measured, order, unknown = said(path(TODAY, 1.0, 600), path(OLDER, seconds, watts))
    assert measured.startswith("NVIDIA H100 SXM: a step takes ")
    assert measured.endswith(expected)
    assert order == (
        "No rate of NVIDIA RTX PRO 6000 Blackwell Max-Q (unverified) beside NVIDIA H100 SXM is"
        " known, so nothing follows for their order."
    )
    assert unknown == UNKNOWN


@pytest.fixture(scope="module")
def published() -> tuple[Record, ...]:
    return tuple(read([RESULTS]).records)


@pytest.mark.parametrize(
    ("seconds", "watts", "turns"),
    [
        (0.78, 500, "the host alone cannot turn the order round"),
        (1.8, 300, "the host alone may turn the order round"),
        (6.0, 100, "the host alone can turn the order round"),
        (1.8, 590, "Nothing measured here shows that a host could change that"),
    ],
)
def test_the_most_that_a_host_can_do_to_the_order_of_two_cards(
    seconds: float, watts: float, turns: str, published: tuple[Record, ...]
) -> None:
    """The projected ratio with its interval, and the same times what the loop costs."""
    today = path(TODAY, 0.6, 600)
    dataset = load(sites.collection(*published, today, path(OLDER, seconds, watts)))
    (order,) = [each for each in host_part.sentences(claim(), dataset) if "estimated at" in each]
    ratio = _projected(dataset, today)
    assert _shown(ratio, 1) in order
    assert turns in order
    assert (_shown(ratio, seconds / 0.6) in order) is ("host alone" in turns)


def _projected(dataset: Dataset, today: Record) -> explain.Interval:
    plan = dataset.planner
    cards = [profiles.load(name) for name in ("rtx-pro-6000-max-q", "h100-sxm")]
    found = explain.ratio(*(plan.entry(today.case, card) for card in cards))
    assert found is not None
    assert found.low < found.value < found.high
    return found


def _shown(ratio: explain.Interval, factor: float) -> str:
    wide = (ratio.high - ratio.low) * factor
    value, low, high = (
        units.about(each * factor, wide) for each in (ratio.value, ratio.low, ratio.high)
    )
    return f"{value}× ({low}× to {high}×)"


def test_the_claims_page_says_it_beside_the_verdict(published: tuple[Record, ...]) -> None:
    """Only the figure that names an older method has such words; others have none."""
    claims = page(load(sites.collection(*published)))
    lines = [line for source in claims.sources for line in source.lines if line.host]
    assert [line.claim for line in lines] == [claim().claim]
    assert lines[0].host[-1] == UNKNOWN


@pytest.mark.parametrize(
    ("method", "ran", "row"),
    [
        (OLDER, "loop", ("Experts", "loop", "loop")),
        (TODAY, "grouped", ("Experts", "the engine's choice", "grouped")),
        (TODAY, None, ("Experts", "the engine's choice", "unknown")),
    ],
)
def test_a_records_page_says_how_experts_were_computed(
    method: str, ran: str | None, row: tuple[str, str, str]
) -> None:
    """Beside what was asked for; a model without experts has no such row."""
    seen = records.effective(others={"experts_path": ran})
    shown = tables.requested_and_running(path(method, 1.0, None, effective=seen))
    assert row in shown
    plain = tables.requested_and_running(gpu_records.record())
    assert "Experts" not in {name for name, _, _ in plain}
