"""A published figure is judged only where the work is the same; otherwise it is shown beside."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from reports.analysis.dataset import Dataset, load
from reports.pages.claims import page
from reports.published import sources as references
from reports.published.reproduced import TOLERANCE, agrees, nearest_match
from reports.published.sources import PublishedFigure, Reference, Settings
from reports.site.build import build
from suite.catalog.tier import Workload
from suite.paths import RESULTS
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.storage.run_folder import read
from support import cards, gpu_records, sites
from support.gpu_records import GIB

FIXED = Workload(sequence_tokens=2048, batch_sequences=2)
SAME: dict[str, object] = {
    "hardware": "H200",
    "profiles": ("h200-sxm",),
    "gpus": 1,
    "model": "Qwen3-8B",
    "models": ("qwen3-8b",),
    "method": "LoRA",
    "methods": ("lora",),
    "trains": "adapters",
    "sequence_tokens": 2048,
    "batch_sequences": 2,
    "gradient_accumulation": 1,
    "rows": "one length",
    "rank": 16,
    "targets": "all linear",
    "loss": "transformers",
    "memory_counter": "allocated",
}
RATIO: dict[str, object] = {
    "quantity": "speed_ratio",
    "method": "Unsloth LoRA",
    "methods": ("unsloth-lora",),
    "baseline": "LoRA",
    "baselines": ("lora",),
}


def figure(
    value: float | None, quantity: str = "tokens_per_second", **changes: object
) -> PublishedFigure:
    """A figure of the very work of ``found``; ``changes`` are settings, or bound or slower."""
    own = {name: changes.pop(name) for name in ("bound", "slower") if name in changes}
    settings = Settings(**{**SAME, **changes})  # type: ignore[arg-type]  # a test's own keywords
    return PublishedFigure(claim="x", quantity=quantity, value=value, settings=settings, **own)  # type: ignore[arg-type]


def record(method: str = "lora", **changes: object) -> Record:
    return gpu_records.record(method=method, workload=FIXED, **changes)  # type: ignore[arg-type]


def found(*records: Record) -> Dataset:
    return load(sites.collection(*records))


def metric(name: str, of: Record) -> float:
    value = all_metrics()[name].compute(of)
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("share", "kind"),
    [
        (1.0, "reproduced"),
        (1 + TOLERANCE, "reproduced"),
        (1 - TOLERANCE, "reproduced"),
        (1 + TOLERANCE + 0.001, "not reproduced"),
        (1 - TOLERANCE - 0.001, "not reproduced"),
    ],
)
def test_the_same_work_is_judged_by_its_number(share: float, kind: str) -> None:
    """Every setting stated and the same: within the tolerance of the figure, or not."""
    ours = record()
    published = metric("tokens_per_second", ours) / share
    result = nearest_match(figure(published), found(ours))
    assert (result.kind, result.why) == (kind, "every setting is stated and the same")
    assert {criterion.state for criterion in result.criteria} == {"same"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"profiles": ("h100-sxm",)}, "other GPU"),
        ({"profiles": (), "hardware": "A GPU"}, "other GPU"),
        ({"profiles": (), "hardware": None}, "GPU not stated"),
        ({"profiles": ("h100-sxm", "h200-sxm")}, "GPU not stated"),
        ({"gpus": 8}, "other number of GPUs"),
        ({"models": ("qwen3-8b", "qwen3-32b")}, "model not stated"),
        ({"methods": ()}, "method not stated"),
        ({"sequence_tokens": 4096}, "other length"),
        ({"batch_sequences": None}, "batch not stated"),
        ({"gradient_accumulation": 4}, "other accumulation"),
        ({"rows": "packed"}, "other rows; data not stated"),
        ({"rank": 8, "targets": None}, "other rank; adapters on not stated"),
        ({"loss": "fused"}, "other loss"),
    ],
)
def test_one_setting_apart_is_not_comparable(changes: dict[str, object], why: str) -> None:
    """Even a perfect number is not judged; the reason names the setting, and ours is shown."""
    ours = record()
    tokens = metric("tokens_per_second", ours)
    result = nearest_match(figure(tokens, **changes), found(ours))
    assert (result.kind, result.why) == ("not comparable", why)
    assert result.value is not None
    assert result.value.median == tokens


def test_a_ratio_needs_the_same_baseline() -> None:
    """Against the stated one it is judged; in words only, or against another, it is not."""
    ours, base = record("unsloth-lora", seconds=0.05), record()
    naive = record("lora-naive", seconds=0.2)
    dataset = found(ours, base, naive)
    result = nearest_match(figure(2.0, **RATIO), dataset)
    assert (result.kind, result.ratio) == ("reproduced", pytest.approx(2.0))
    assert nearest_match(figure(3.0, **RATIO), dataset).kind == "not reproduced"
    against = {**RATIO, "baseline": "FlashAttention 2", "baselines": ()}
    result = nearest_match(figure(2.0, **against), dataset)
    assert (result.kind, result.why) == ("not comparable", "other baseline")
    either = {**RATIO, "baselines": ("lora", "lora-naive")}
    result = nearest_match(figure(3.9, **either), dataset)
    assert (result.kind, result.why) == ("not comparable", "baseline not stated")
    assert result.ratio == pytest.approx(4.0), "the source gets its best"


def test_memory_saved_is_judged_by_what_is_left() -> None:
    """80 % less and 70 % less leave 20 and 30: that is half more, not a tenth less."""
    ours = record("unsloth-lora", allocated=6 * GIB)
    dataset = found(ours, record(allocated=20 * GIB))
    wanted = {**RATIO, "quantity": "memory_saved_share"}
    result = nearest_match(figure(0.7, **wanted), dataset)
    assert (result.kind, result.ratio) == ("reproduced", pytest.approx(0.7))
    assert nearest_match(figure(0.72, **wanted), dataset).kind == "reproduced"
    assert nearest_match(figure(0.8, **wanted), dataset).kind == "not reproduced"
    assert nearest_match(figure(0.6, bound="at least", **wanted), dataset).kind == "reproduced"
    unstated = {**wanted, "memory_counter": None}
    assert nearest_match(figure(0.7, **unstated), dataset).why == "memory counter not stated"


@pytest.mark.parametrize(
    ("bound", "ours", "agreed"),
    [
        ("up to", 3.5, True),
        ("up to", 2.7, True),
        ("up to", 2.6, False),
        ("at least", 9.0, True),
        ("exactly", 3.5, False),
        ("about", 3.2, True),
    ],
)
def test_a_bound_is_kept_by_going_beyond_it(bound: str, ours: float, agreed: bool) -> None:
    """ "Up to 3x" is reproduced by 3.5x at its setting; "3x" is not."""
    assert agrees(figure(3.0, bound=bound, **RATIO), ours) is agreed


@pytest.mark.parametrize("change", [{"sequence_tokens": 8192}, {"batch_sequences": 4}])
def test_the_nearest_case_is_the_one_with_the_fewest_differences(change: dict[str, int]) -> None:
    """A better number at another length or batch does not push the right case aside."""
    right = record(seconds=0.2)
    elsewhere = msgspec.structs.replace(FIXED, **change)
    other = gpu_records.record(workload=elsewhere, suffix="-other")
    wanted = metric("tokens_per_second", other)
    result = nearest_match(figure(wanted), found(other, right))
    assert result.group is not None
    assert result.group.first.record_id == right.record_id
    assert result.kind == "not reproduced"


def test_a_fast_wrong_run_reproduces_nothing() -> None:
    """A case whose losses differ from its reference's is no evidence for a ratio."""
    ours, base = record("unsloth-lora", seconds=0.05, loss=3.0), record()
    result = nearest_match(figure(2.0, **RATIO), found(ours, base))
    assert (result.kind, result.group) == ("not comparable", None)


def test_a_failure_is_said_and_linked() -> None:
    """What ran out of memory here stands beside the claim that it fits."""
    failed = gpu_records.failed(workload=FIXED)
    result = nearest_match(figure(None, "runs"), found(failed))
    assert result.kind == "not comparable"
    assert result.why == "LoRA here: out of memory while loading the weights"
    assert result.group is not None
    ran = nearest_match(figure(None, "runs"), found(record()))
    assert (ran.kind, ran.why) == ("reproduced", "it runs here as well")


def test_a_claim_about_two_cards_takes_records_of_both() -> None:
    """One card is not enough; with both, the faster one decides."""
    ours = record()
    claim = {"quantity": "faster_card", "slower": ("l40s",)}
    assert (
        nearest_match(figure(None, **claim), found(ours)).why
        == "no case was measured on both GPUs"
    )
    slow = cards.on_card([ours], "l40s", slower=2.0)
    result = nearest_match(figure(None, **claim), found(ours, *slow))
    assert (result.kind, result.ratio) == ("reproduced", pytest.approx(2.0))
    fast = cards.on_card([ours], "l40s", slower=0.5)
    assert nearest_match(figure(None, **claim), found(ours, *fast)).kind == "not reproduced"


def test_other_models_and_targets_have_nothing_beside_them() -> None:
    """It says what was not measured, not that it failed."""
    other = nearest_match(figure(1.0, models=("llama3-8b",), model="Llama 3 8B"), found(record()))
    assert (other.kind, other.why) == ("not comparable", "Llama 3 8B was not measured here")
    assert nearest_match(figure(60.0, "run_seconds"), found(record())).group is None


def test_the_page_shows_every_figure_with_the_records_numbers(published_site: Path) -> None:
    """All sources, each number a link to the record whose JSON gives it, none typed by hand."""
    collection = read([RESULTS])
    shown = sites.Page(published_site / "claims.html")
    lines = [line for source in page(load(collection)).sources for line in source.lines]
    assert len(lines) == sum(len(source.figures) for source in references.everything())
    text = shown.text
    by_href = {f"records/{each.record_id}.html": each for each in collection.records}
    runs = Counter((each.run_id, each.case_id) for each in collection.records)
    compared = 0
    for line in lines:
        assert " ".join(line.claim.split()) in text
        assert line.published in text
        assert line.why in text
        if line.ours is None or not line.ours.number.exact:
            continue
        ours, base = by_href[line.ours.number.page], by_href.get(line.ours.base_href)
        if any(runs[each.run_id, each.case_id] > 1 for each in (ours, base) if each):
            continue  # a median of launches
        if base is None:
            expected = metric("peak_allocated_bytes", ours)
        elif "×" in line.published:
            expected = metric("tokens_per_second", ours) / metric("tokens_per_second", base)
        else:
            saved = metric("peak_allocated_bytes", ours) / metric("peak_allocated_bytes", base)
            expected = 1 - saved
        assert float(line.ours.number.exact) == pytest.approx(expected, rel=1e-12)
        compared += 1
    assert compared > 5
    external = [a for a in shown.all("a") if a.attributes.get("rel") == "external"]
    urls = [source.url for source in references.everything()]
    assert [link.attributes["href"] for link in external] == [urls[0], *urls], "the claim's first"
    alone = [line for line in lines if not line.compared]
    assert sum(each.figures for each in page(load(collection)).reasons) == len(alone) > 50


def test_published_figures_are_not_judged_on_one_card_of_another_kind() -> None:
    """No published source states what its verdict would need, and none is judged by accident."""
    claims = page(load(read([RESULTS])))
    verdicts = {line.verdict for source in claims.sources for line in source.lines}
    assert verdicts == {"not comparable"}
    assert sum(bool(line.ours) for source in claims.sources for line in source.lines) > 5


def test_a_source_cannot_break_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words of a source are text, whatever is in them."""
    hostile = '<script>alert("1")</script>'
    each = msgspec.structs.replace(figure(5000.0, method=hostile), claim=hostile, note=hostile)
    source = Reference(
        name="mine",
        title=hostile,
        publisher=hostile,
        url="https://example.org",
        note=hostile,
        figures=(each,),
    )
    monkeypatch.setattr("reports.pages.claims.everything", lambda: (source,))
    site = build(sites.collection(record()), tmp_path / "site").parent
    shown = sites.Page(site / "claims.html")
    assert len(shown.all("script")) == 1, "the page's own"
    assert hostile in shown.text
