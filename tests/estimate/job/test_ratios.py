"""Ratios of methods on one GPU: what both share cancels, the rest is as wide as it was wrong."""

import math

import msgspec
import pytest

from suite.catalog import profile as profiles
from suite.estimate import planner
from suite.estimate.errors.ratios import RatioWidths, ratio_widths
from suite.estimate.errors.repeats import repeat_scatter
from suite.estimate.errors.time import HeldOut, Way
from suite.estimate.interval import Interval
from suite.estimate.job.ratios import against_quickest, times_as_long
from suite.estimate.planner import Entry, Planner
from suite.paths import RESULTS
from suite.results.pooled import pool
from suite.results.storage import run_folder
from support.asked import case
from support.planted_times import sample

METHODS = ("lora", "unsloth-lora", "qlora", "unsloth-qlora")


@pytest.fixture(scope="module")
def plan() -> Planner:
    return planner.fit_planner(run_folder.read([RESULTS]).records)


def entries(plan: Planner, gpu: str, model: str = "qwen3-32b", tokens: int = 2048) -> list[Entry]:
    card = profiles.load(gpu)
    return [plan.entry(case(model, method, tokens), card) for method in METHODS]


def held(profile: str, method: str, error: float, way: Way = "card") -> HeldOut:
    """A case whose time is predicted too long by this much, on the log scale."""
    measured = msgspec.structs.replace(sample("qwen3-8b", method), profile=profile)
    return HeldOut(way=way, sample=measured, predicted_seconds=measured.seconds * math.exp(error))


def test_an_error_that_methods_share_cancels() -> None:
    """A GPU that all methods are misjudged on alike says nothing against their ratios."""
    alike = [held(gpu, method, 0.5) for gpu in ("a", "b") for method in ("lora", "qlora")]
    width = ratio_widths(alike).of({"card"}, experts=False)
    assert width == pytest.approx(0, abs=1e-9)


def test_few_gpus_make_a_ratio_less_certain() -> None:
    """The same errors count Student's t more where fewer GPUs had them; none is no width."""

    def width(gpus: int) -> float:
        errors = [
            (f"gpu {n}", m, e) for n in range(gpus) for m, e in (("lora", 0.1), ("qlora", 0))
        ]
        found = ratio_widths([held(*each) for each in errors]).of({"card"}, experts=False)
        assert found is not None
        return found

    assert width(1) == pytest.approx(6.314 * 0.1, rel=1e-3)
    assert width(2) == pytest.approx(2.920 * 0.1, rel=1e-3)
    assert width(10) == pytest.approx(1.812 * 0.1, rel=1e-3)
    assert ratio_widths([]).of({"card"}, experts=False) is None
    one_method = [held("a", "lora", 0.1), held("b", "lora", 0.3)]
    assert ratio_widths(one_method).of({"card"}, experts=False) is None


def test_many_pairs_of_one_gpu_are_one_observation() -> None:
    """A GPU with ten pairs does not outvote one with one pair."""
    crowd = [held("a", method, 0.0) for method in ("lora", "qlora", "full", "unsloth-lora")]
    found = ratio_widths([*crowd, held("b", "lora", 0.2), held("b", "qlora", 0.0)])
    width = found.of({"card"}, experts=False)
    assert width == pytest.approx(2.920 * math.sqrt(0.2**2 / 2), rel=1e-3)
    assert found.groups["card", False] == 2


def test_a_new_gpu_and_a_new_model_both_count() -> None:
    """What was never tried, a model with experts here, has no width at all."""
    found = RatioWidths(
        by_way={("card", False): 0.3, ("model", False): 0.4},
        groups={("card", False): 2, ("model", False): 3},
    )
    assert found.of({"card", "model"}, experts=False) == pytest.approx(0.5)
    assert found.of({"card"}, experts=True) is None
    assert found.of({"card", "method"}, experts=False) is None


def test_a_ratio_is_known_better_than_both_times(plan: Planner) -> None:
    """On a GPU that was never measured the interval is narrower than from end to end."""
    lora, _, qlora, _ = entries(plan, "rtx-pro-6000-max-q")
    found = times_as_long(qlora, lora, plan.ratio_widths, plan.scatter)
    alone = times_as_long(qlora, lora, RatioWidths(by_way={}, groups={}), plan.scatter)
    assert found is not None
    assert alone is not None
    assert found.value == pytest.approx(alone.value)
    assert math.log(found.high / found.low) < math.log(alone.high / alone.low)
    back = times_as_long(lora, qlora, plan.ratio_widths, plan.scatter)
    assert back is not None
    assert (found.value, found.low, found.high) == pytest.approx(
        (1 / back.value, 1 / back.high, 1 / back.low)
    )


def test_ratios_that_were_measured_lie_within_those_estimated_without_the_gpu(
    plan: Planner,
) -> None:
    """Take the H100 away, estimate its ratios from the H200 with today's widths, and look."""
    records = run_folder.read([RESULTS]).records
    without = planner.fit_planner([r for r in records if r.profile != "h100-sxm"])
    pairs = inside = 0
    for model in ("qwen3-8b", "qwen3-32b"):
        known, guessed = entries(plan, "h100-sxm", model), entries(without, "h100-sxm", model)
        for number, other in enumerate(METHODS[1:], start=1):
            assert known[0].basis == known[number].basis == "measured", other
            truth = times_as_long(known[number], known[0], plan.ratio_widths, plan.scatter)
            said = times_as_long(guessed[number], guessed[0], plan.ratio_widths, plan.scatter)
            assert truth is not None
            assert said is not None
            pairs += 1
            inside += said.low <= truth.value <= said.high
    assert inside == pairs == 6


def test_measured_methods_are_told_apart_by_repeats(plan: Planner) -> None:
    """A wide gap is one; a gap within the scatter is not; without any repeat nothing is."""
    ranked = against_quickest(entries(plan, "h200-sxm"), plan.ratio_widths, plan.scatter)
    apart = {each.entry.case.method.name: each.told_apart for each in ranked}
    assert apart["lora"]
    assert apart["qlora"]
    assert not apart["unsloth-qlora"]
    unknown = against_quickest(entries(plan, "h200-sxm"), plan.ratio_widths, None)
    assert not any(each.told_apart for each in unknown)
    assert unknown[1].longer is None


def test_methods_are_ranked_by_time_and_what_has_none_is_left_out(plan: Planner) -> None:
    """The quickest is first and 1 to itself; a method that does not fit has no rank."""
    found = against_quickest(entries(plan, "rtx-4090"), plan.ratio_widths, plan.scatter)
    assert [each.entry.case.method.name for each in found] == ["unsloth-qlora", "qlora"]
    assert found[0].longer == Interval(value=1, low=1, high=1)
    rates = [each.entry.tokens_per_second for each in found]
    assert all(rate is not None for rate in rates)
    assert rates[0].value > rates[1].value  # type: ignore[union-attr]


def test_nothing_cancels_between_a_measured_method_and_an_estimated_one(plan: Planner) -> None:
    """The interval goes from one end to the other."""
    measured = entries(plan, "h200-sxm")[0]
    estimated = entries(plan, "rtx-pro-6000-max-q")[1]
    found = times_as_long(measured, estimated, plan.ratio_widths, plan.scatter)
    ours, theirs = measured.tokens_per_second, estimated.tokens_per_second
    assert found is not None
    assert ours is not None
    assert theirs is not None
    assert found.low == theirs.low / ours.high
    assert found.high == theirs.high / ours.low


def test_scatter_is_of_repeats_and_not_of_cases() -> None:
    """Cases that ran once say nothing; those repeated are pooled, each about its own mean."""
    groups = [each.repeats for each in pool(run_folder.read([RESULTS]).records)]
    once = [group for group in groups if len(group.ok) == 1]
    assert once
    assert repeat_scatter(once) is None
    found = repeat_scatter(groups)
    assert found is not None
    assert found.freedom == sum(len(group.ok) - 1 for group in groups if group.ok)
    assert 0.001 < found.deviation < 0.2
