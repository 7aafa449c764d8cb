"""Card against card: a ratio only of the same work, with its interval, and no cause made up."""

import math
import statistics
from pathlib import Path

import msgspec
import pytest

from reports.analysis import card_pairs as paired
from reports.analysis.card_ceilings import (
    BANDWIDTH,
    CLOCK,
    COPIES,
    MATMUL,
    Resource,
    ResourceKind,
    observation,
)
from reports.analysis.card_pairs import CardRatio, SharedCase, pairs
from reports.analysis.dataset import load
from reports.site.build import build
from suite import paths
from suite.catalog import profile as profiles
from suite.catalog.tier import Workload
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.stats.effects import effect
from suite.results.storage.run_folder import read
from suite.wire import Probe
from support import cards, gpu_records, records, sites
from support.cards import changed, on, there
from support.sites import table, values

#: One card, whatever else is published.
RESULTS = paths.RESULTS / "h200-sxm"
#: What stands beside a ratio, for each card.
NAMES = ("tokens_per_second", "step_seconds", "peak_allocated_bytes", "joules_per_token")
PAIR = "card-against-card/a-card--h200-sxm.html"


def opened(folder: Path, *found: Record) -> sites.Page:
    """The page of ``a-card`` against the H200 of some records."""
    return sites.Page(build(sites.collection(*found), folder / "site").parent / PAIR)


def shared(*found: Record) -> list[SharedCase]:
    (pair,) = pairs(load(sites.collection(*found)))
    return list(pair.shared)


def only(*found: Record) -> SharedCase:
    (each,) = shared(*found)
    return each


def test_one_card_alone_has_no_matrix(h200_site: Path) -> None:
    """It takes two: no table of ratios and no page of a pair."""
    page = sites.Page(h200_site / "gpus.html")
    assert "÷" not in page.text
    assert list((h200_site / "card-against-card").iterdir()) == []


def test_numbers_of_both_cards_are_those_of_their_records(tmp_path: Path) -> None:
    """Published cases, and the same 1.25 times slower: ratios of 0.8, figures of the records."""
    ours = read([RESULTS]).records
    theirs = cards.on_card(ours, "a-card", slower=1.25)
    both = [each for each in shared(*ours, *theirs) if each.ratio]
    page = opened(tmp_path, *ours, *theirs)
    ratios = [float(e.attributes["value"]) for e in page.all("data") if e.attributes.get("class")]
    assert len(both) > 20
    assert ratios == pytest.approx([0.8] * (len(both) + 1)), "one a case, and their mean"
    assert "0.80× that of NVIDIA H200 SXM, the baseline" in page.text
    assert f"over {len(both)} shared cases. The other way round it is 1.25×" in page.text
    shown = values(page)
    for group in (side for each in both for side in each.sides):
        numbers = [float(text) for text in shown[group.best.record_id]]
        for name in NAMES:
            found = [all_metrics()[name].compute(record) for record in group.ok]
            assert statistics.median([value or math.nan for value in found]) in numbers, name
    every = sites.pages(tmp_path / "site")
    assert sites.broken_links(tmp_path / "site", every) == []
    sites.assert_well_formed(every)


def test_the_matrix_has_both_directions_and_their_counts(tmp_path: Path) -> None:
    """Three cards: row over column, reciprocal across the diagonal, how many cases."""
    ours = [gpu_records.record(), gpu_records.record(method="qlora")]
    found = [*ours, *cards.on_card(ours, "a-card", slower=2.0)]
    found += cards.on_card(ours[:1], "b-card", slower=4.0)
    index = build(sites.collection(*found), tmp_path / "site")
    rows = table(sites.Page(index.with_name("gpus.html")), "Row GPU ÷ column GPU")
    assert [row[1:] for row in rows] == [
        ["itself", "2.00× 1 case", "0.50× 2 cases"],
        ["0.50× 1 case", "itself", "0.25× 1 case"],
        ["2.00× 2 cases", "4.00× 1 case", "itself"],
    ]


def test_cards_without_a_case_in_common_have_no_page(tmp_path: Path) -> None:
    """Another length is other work: said in the matrix, and no ratio anywhere."""
    ours = gpu_records.record()
    longer = msgspec.structs.replace(ours.case.workload, sequence_tokens=8192)
    theirs = there(gpu_records.record(workload=longer, suffix="-s8192"))
    index = build(sites.collection(ours, *theirs), tmp_path / "site")
    rows = table(sites.Page(index.with_name("gpus.html")), "Row GPU ÷ column GPU")
    assert rows[0][2] == rows[1][1] == "no case in common"
    assert list((tmp_path / "site" / "card-against-card").iterdir()) == []


def test_three_launches_a_side_give_an_interval() -> None:
    """The ratio of geometric means with the interval of ``stats.effect``, the right way round."""
    ours = [gpu_records.record(launch=n, seconds=0.1 + 0.002 * n) for n in (1, 2, 3)]
    theirs = there(*(gpu_records.record(launch=n, seconds=0.2 + 0.001 * n) for n in (1, 2, 3)))
    ratio = only(*ours, *theirs).ratio
    assert ratio is not None
    compute = all_metrics()["tokens_per_second"].compute
    rates = [[compute(record) or math.nan for record in side] for side in (theirs, ours)]
    means = [statistics.geometric_mean(side) for side in rates]
    assert ratio.value == pytest.approx(means[0] / means[1])
    assert ratio.low is not None
    assert ratio.high is not None
    assert ratio.low < ratio.value < ratio.high < 1
    seconds = [[1 / rate for rate in side] for side in rates]
    assert ratio.high == pytest.approx(1 / effect(seconds[1], seconds[0]).low)
    assert ratio.basis == f"95 % interval {ratio.low:.2f}× to {ratio.high:.2f}×"


def test_fewer_launches_are_said() -> None:
    """One each, or two against one: no interval, and how many there are."""
    ours = [gpu_records.record(launch=n) for n in (1, 2)]
    one = only(ours[0], *there(ours[0])).ratio
    assert one is not None
    assert (one.low, one.basis) == (None, "1 repeat each")
    uneven = only(*ours, *there(ours[0])).ratio
    assert uneven is not None
    assert uneven.basis == "1 repeat vs 2"


def test_what_one_card_cannot_run_is_said(tmp_path: Path) -> None:
    """Out of memory here, not measured there: in words, not in the mean, never left out."""
    lora, full = gpu_records.record(), gpu_records.record(method="full")
    failed = gpu_records.failed(method="full", reason="tried to allocate 9 GiB")
    alone = gpu_records.record(method="qlora")
    page = opened(tmp_path, lora, full, alone, *there(lora, failed, slower=2.0))
    rows = {row[0]: row for row in table(page, "4 × up to 128 tokens")}
    assert rows["Full fine-tuning"][1].startswith("no ratio no numbers on a-card")
    assert rows["Full fine-tuning"][2] == "Out of memory while loading the weights"
    assert rows["Full fine-tuning"][3].replace(",", "")[0].isdigit()
    assert rows["Full fine-tuning"][4] == "–"
    assert "over 1 shared case." in page.text
    assert (
        "With numbers on NVIDIA H200 SXM and none on a-card: Qwen3-8B · Full"
        " fine-tuning (4 × up to 128 tokens, text): out of memory while loading the weights."
    ) in page.text
    ((case, _, where, outcome, missing),) = table(page, "Not compared")
    assert (case, where) == ("Qwen3-8B · QLoRA", "NVIDIA H200 SXM")
    assert (outcome, missing) == ("Ran", "a-card")


def other_method(record: Record) -> Record:
    method = msgspec.structs.replace(record.case.method, attention="eager", title="Their LoRA")
    return changed(record, case=msgspec.structs.replace(record.case, method=method))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda r: changed(r, weights="hub"),
            "other weights: hub, not random weights (seed 17, fill 1)",
        ),
        (other_method, "the method asks for another attention"),
        (lambda r: changed(r, work_key="other"), "its work_key differs"),
        (
            lambda r: changed(r, effective=records.effective(trainable_parameters=7)),
            "it trains 7 parameters, not 147,456",
        ),
        (lambda r: changed(r, steps=r.steps[:7]), "the throughput of one is unknown"),
    ],
    ids=["weights", "method", "work", "trained", "unknown"],
)
def test_other_work_has_no_ratio(change: object, reason: str) -> None:
    """Anything that makes it other work than on the other card takes the ratio away."""
    ours = gpu_records.record()
    assert callable(change)
    each = only(ours, *map(change, there(ours)))
    assert each.ratio is None
    assert each.reason == reason


def test_losses_that_differ_do_not_count(tmp_path: Path) -> None:
    """A fast card that computes something else is shown with its ratio, outside the mean."""
    ours = [gpu_records.record(), gpu_records.record(method="qlora")]
    wrong = gpu_records.record(method="qlora", loss=6.9)
    page = opened(tmp_path, *ours, *there(ours[0], slower=2.0), *there(wrong, slower=0.125))
    assert "0.50× that of NVIDIA H200 SXM, the baseline: the geometric mean over 1" in page.text
    rows = {row[0]: row for row in table(page, "4 × up to 128 tokens")}
    assert "not in the mean: losses of the two GPUs differ" in rows["QLoRA"][1]
    assert rows["QLoRA"][1].startswith("8.00×")
    assert rows["QLoRA"][-1].startswith("differs first loss is")
    assert rows["LoRA"][-1] == "agrees"


def test_losses_that_differ_from_the_reference_do_not_count() -> None:
    """Wrong on both cards alike is still wrong."""
    ours = [gpu_records.record(), gpu_records.record(method="unsloth-lora", loss=6.9)]
    found = {each.method.name: each for each in shared(*ours, *there(*ours))}
    assert found["lora"].counts
    assert not found["unsloth-lora"].counts
    assert "losses differ from those of its reference" in found["unsloth-lora"].doubt


def test_surroundings_that_differ_are_listed(tmp_path: Path) -> None:
    """Power limit, driver and a package's version stand side by side, what is alike does not."""
    ours = on(gpu_records.record(), power_limit_watts=700.0)
    (theirs,) = there(on(ours, power_limit_watts=450.0, driver="570"))
    versions = theirs.environment.versions
    assert versions is not None
    newer = msgspec.structs.replace(versions, packages={**versions.packages, "torch": "9.9"})
    environment = msgspec.structs.replace(theirs.environment, versions=newer)
    page = opened(tmp_path, ours, changed(theirs, environment=environment))
    rows = {row[0]: row[1:] for row in table(page, "Machine and software around")}
    assert rows["Power limit"] == ["450 W", "700 W"]
    assert rows["Driver"] == ["570", "580"]
    assert rows["torch"] == ["9.9", "2.13.0"]
    assert "peft" not in rows
    assert "peft (0.21.2)" in page.text
    ceilings = {row[0]: row[1:] for row in table(page, "Ceilings of the two")}
    assert ceilings["Power limit, as set"] == ["450 W", "700 W", "0.64×"]


def test_settings_that_differ_stand_beside_the_ratio(tmp_path: Path) -> None:
    """Same work with another attention backend keeps its ratio and says what is not the same."""
    ours = gpu_records.record()
    other = records.effective(attention="flash", loss_kernel="fused")
    (theirs,) = there(ours, effective=other, steps=records.moved_steps(times=1.2))
    page = opened(tmp_path, ours, theirs)
    (row,) = table(page, "4 × up to 128 tokens")
    assert row[1].startswith("0.91× 1 repeat each")
    assert "2 settings differ: attention, loss kernel" in row[1]
    assert "step time did not settle: a-card, repeat 1" in row[1]


def probed(record: Record, matmul: float, copy: float) -> Record:
    probe = Probe(matmul_flops_per_second=matmul, matmul="m", copy_bytes_per_second=copy, copy="c")
    environment = msgspec.structs.replace(record.environment, probe=probe)
    return changed(record, environment=environment)


def test_the_closest_resource_is_an_observation(tmp_path: Path) -> None:
    """Half the bandwidth and half the speed: named as close, from the records' own probes."""
    ours = probed(gpu_records.record(), 8e14, 4e12)
    theirs = there(probed(ours, 6e14, 2e12), slower=2.0)
    page = opened(tmp_path, ours, *theirs)
    ((_, ratio, matmul, copies, *rest, said),) = table(page, "Ratios, a-card")
    assert (ratio, matmul, copies) == ("0.50×", "0.75×", "0.50×")
    assert rest == ["unknown"] * 4
    assert said == "is close to the ratio of measured copies in GPU memory (0.50×)"
    assert "no proof of a cause" in page.text


def resource(kind: ResourceKind, ratio: float | None, barred: str = "") -> Resource:
    return Resource(kind=kind, ours=ratio, theirs=None if ratio is None else 1.0, barred=barred)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            [resource(MATMUL, 2.0), resource(COPIES, 1.5)],
            "is close to the ratio of measured copies in GPU memory (1.50×)",
        ),
        (
            [resource(MATMUL, 1.52), resource(COPIES, 1.5), resource(BANDWIDTH, 3.0)],
            "is close to the ratios of measured copies in GPU memory (1.50×) and measured matrix"
            " products (1.52×); it cannot say which one matters",
        ),
        (
            [resource(MATMUL, 2.0), resource(COPIES, 1.2)],
            "is close to none; the nearest, of measured copies in GPU memory, is 1.20×",
        ),
        (
            [resource(MATMUL, None), resource(COPIES, 1.5)],
            "is close to the ratio of measured copies in GPU memory (1.50×); measured matrix"
            " products of both are not known",
        ),
        (
            [resource(MATMUL, None), resource(COPIES, None)],
            "cannot tell; measured matrix products and measured copies in GPU memory of both are"
            " not known",
        ),
        (
            [resource(MATMUL, 2.0), resource(COPIES, 2.5), resource(CLOCK, 1.5, "not alike")],
            "is close to none; the nearest, of measured matrix products, is 2.00×",
        ),
    ],
    ids=["one", "two", "none", "partly", "unknown", "barred"],
)
def test_what_is_said_of_a_ratio_of_1_5(found: list[Resource], said: str) -> None:
    """Close ones are named, all of them; unlike processors' clocks never; unknown is unknown."""
    assert observation(1.5, found) == said


def test_clocks_of_unlike_processors_are_held_against_nothing(tmp_path: Path) -> None:
    """Equal clocks of the H200 and of a card with more processors are shown in brackets."""
    watched = records.telemetry()
    ours = gpu_records.record(telemetry=watched, hardware=profiles.load("h200-sxm"))
    (alike,) = there(ours)
    page = opened(tmp_path / "alike", ours, alike)
    assert table(page, "Ratios, Synthetic card")[0][7] == "1.00×"
    unlike = profiles.load("rtx-pro-6000-max-q")
    page = opened(tmp_path / "unlike", ours, changed(alike, hardware=unlike))
    row = next(row for row in table(page, "Ratios, "))
    assert row[7] == "(1.00×)"
    assert "mean SM clocks" not in row[8]


def test_the_job_takes_longer_on_the_slower_card(tmp_path: Path) -> None:
    """Hours and kilowatt-hours of both sides follow from each side's own record."""
    ours = gpu_records.record(telemetry=records.telemetry())
    page = opened(tmp_path, ours, *there(ours, slower=2.0))
    ((case, slow, fast, energy, _),) = table(page, "Computed from the measured rate")
    assert case == "Qwen3-8B · LoRA 4 × up to 128 tokens, text · 1 repeat each"
    rate = all_metrics()["tokens_per_second"].compute(ours)
    assert rate is not None
    hours = 120e6 / rate / 3600
    assert slow.partition(" h ± ")[2] == fast.partition(" h ± ")[2] != ""
    assert [float(text.partition(" h")[0]) for text in (slow, fast)] == pytest.approx(
        [2 * hours, hours], rel=0.005
    )
    joules = all_metrics()["joules_per_token"].compute(ours)
    assert joules is not None
    assert float(energy.removesuffix(" kWh")) == pytest.approx(joules * 120e6 / 3.6e6, rel=0.005)


def test_too_many_cards_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pages grow with the square of cards: those with the most cases stay, the rest is counted."""
    monkeypatch.setattr(paired, "MOST_CARDS", 2)
    ours = [gpu_records.record(), gpu_records.record(method="qlora")]
    found = [*ours, *cards.on_card(ours, "b-card", slower=1.0)]
    found += cards.on_card(ours[:1], "a-card", slower=1.0)
    build(sites.collection(*found), tmp_path / "site")
    made = [path.name for path in (tmp_path / "site" / "card-against-card").iterdir()]
    assert made == ["b-card--h200-sxm.html"]
    page = sites.Page(tmp_path / "site" / "gpus.html")
    assert "1 other not compared here" in page.text


def test_extreme_rates_make_a_page(tmp_path: Path) -> None:
    """The fastest and the slowest valid steps give a finite ratio and interval, or none."""
    ours, theirs = [], []
    for launch in (1, 2, 3):
        record = gpu_records.record(launch=launch)
        step = msgspec.structs.replace(record.steps[-1], seconds=1e-9, tokens_real=2**63 - 1)
        slow = msgspec.structs.replace(step, seconds=1e12, tokens_real=1)
        ours.append(changed(record, steps=(step if launch < 3 else slow,)))
        theirs += there(changed(record, steps=(slow if launch < 3 else step,)))
    ratio = only(*ours, *theirs).ratio
    assert isinstance(ratio, CardRatio)
    assert math.isfinite(ratio.value)
    opened(tmp_path, *ours, *theirs)


def test_repeats_that_are_not_pooled_are_counted(tmp_path: Path) -> None:
    """Steps timed the older way are not in the ratio, and not silently dropped."""
    old = gpu_records.record(run_id="old", started_at="2026-11-01T00:00:00Z", seconds=0.4)
    old = msgspec.structs.replace(old, schema=2)
    new = gpu_records.record(run_id="new", started_at="2026-11-02T00:00:00Z", seconds=0.1)
    page = opened(tmp_path, old, new, *there(new))
    (row,) = table(page, "4 × up to 128 tokens")
    assert row[1].startswith("1.00× 1 repeat each")
    assert "1 other session of it not shown here" in row[1]


def test_steps_timed_by_another_worker_do_not_count_towards_a_mean() -> None:
    """The ratio stands, with the reason why it is no measure of the GPUs."""
    ours = gpu_records.record()
    older = [msgspec.structs.replace(each, schema=2) for each in there(ours)]
    pair = only(ours, *older)
    assert pair.ratio is not None
    assert not pair.counts
    assert "slow its own steps" in pair.doubt
    assert only(ours, *there(ours)).counts


def test_launches_of_all_sessions_are_compared() -> None:
    """Three launches of one session and one of another are four repeats."""
    old = [
        gpu_records.record(run_id="old", started_at="2026-11-01T00:00:00Z", launch=n)
        for n in (1, 2, 3)
    ]
    new = gpu_records.record(run_id="new", started_at="2026-11-02T00:00:00Z")
    ratio = only(*old, new, *there(*old)).ratio
    assert ratio is not None
    assert ratio.launches == (3, 4)


def test_equal_titles_are_told_apart(tmp_path: Path) -> None:
    """Two profiles that call themselves the same stand under title and name."""
    ours = gpu_records.record(hardware=profiles.load("h200-sxm"))
    page = opened(tmp_path, ours, changed(ours, profile="a-card", run_id="other"))
    (title,) = (each.text for each in page.all("h1"))
    assert title == "NVIDIA H200 SXM (a-card) vs NVIDIA H200 SXM (h200-sxm)"


def test_a_gpu_and_a_cpu_compare_where_the_work_is_the_same() -> None:
    """Nothing but the work decides; a CPU's peak is of host memory."""
    ours = gpu_records.record()
    workload: Workload = ours.case.workload
    cpu = records.record("qwen3-8b", profile="cpu")
    assert cpu.case.workload == workload
    each = only(ours, cpu)
    assert each.ratio is not None
