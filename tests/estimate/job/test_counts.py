"""One GPU or several: the cheapest, the fastest, and what is too close to call."""

import msgspec
import pytest

from suite.catalog import prices
from suite.catalog import profile as profiles
from suite.catalog.prices import Price
from suite.estimate import planner
from suite.estimate.interval import Interval
from suite.estimate.job import counts
from suite.estimate.job.counts import CountAnswer, Option
from suite.estimate.planner import Job, Planner
from suite.paths import RESULTS
from suite.results.storage import run_folder
from support import asked

JOB = Job(tokens=400e6, epochs=1)
H200 = profiles.load("h200-sxm")
RENT = [Price(profile="h200-sxm", source="x", date="2026-11", rent_usd_per_hour=4.0)]


@pytest.fixture(scope="module")
def plan() -> Planner:
    return planner.fit_planner(run_folder.read([RESULTS]).records)


def ask(plan: Planner, model: str, methods: list[str], numbers: list[int]) -> CountAnswer:
    entries = [
        entry
        for method in methods
        for entry in counts.spread(
            plan, plan.entry(asked.case(model, method), H200), numbers, None
        )
    ]
    return counts.answer(entries, JOB, plan)


def test_cost_and_speed_go_by_the_same_factor(plan: Planner) -> None:
    """As many times the GPU-hours is as much less than as many times as fast."""
    found = ask(plan, "qwen3-8b", ["lora", "unsloth-lora"], [1, 2, 4, 8])
    assert [option.entry.gpus for option in found.options] == [1, 2, 4, 8]
    assert {option.entry.case.method.name for option in found.options} == {"unsloth-lora"}
    one, two, _, eight = found.options
    assert (one.entry.basis, two.entry.basis, eight.entry.basis) == (
        *("measured", "measured"),
        "projected",
    )
    dearer, faster = eight.dearer_than(one), eight.faster_than(one)
    assert dearer.value * faster.value == pytest.approx(8)
    assert dearer.high * faster.low == pytest.approx(8)
    said = " ".join(counts.sentences(found, RENT))
    assert said.startswith("H200 SXM, Qwen3-8B with Unsloth LoRA: on one 10.")
    assert "One GPU costs the least; two cost 1.0" in said
    assert "Too close to call with two, four and eight." in said
    assert "Eight GPUs are the fastest: " in said
    assert said.endswith("Measured on one and two, estimated on four and eight.")


def test_a_measured_pair_is_compared_by_its_session(plan: Planner) -> None:
    """Two GPUs beside one of the same session, not of sessions whose hosts differed."""
    found = ask(plan, "qwen3-8b", ["unsloth-qlora"], [1, 2])
    one, two = found.options
    records = {
        record.case.gpus: record
        for option in (one, two)
        for record in option.entry.records
        if record.run_id == two.entry.records[0].run_id
    }
    seconds = [
        planner.all_metrics()["step_seconds"].compute(records[gpus]) or 0 for gpus in (2, 1)
    ]
    assert two.dearer_than(one).value == pytest.approx(seconds[0] / seconds[1])


def test_without_rent_prices_and_without_one_gpu(plan: Planner) -> None:
    """Dollars are left out, and the fewest GPUs that were asked for are what others are beside."""
    found = ask(plan, "qwen3-8b", ["lora"], [2, 4])
    said = " ".join(counts.sentences(found, []))
    assert "USD" not in said
    assert "as fast as two." in said
    alone = ask(plan, "qwen3-8b", ["lora"], [1])
    assert counts.sentences(alone, []) == []
    assert counts.notes(alone.entries, plan) == []


def test_what_is_surely_dearer_is_told_apart(plan: Planner) -> None:
    """An interval above 1 is a verdict; the measured one of one GPU has no width of its own."""
    found = ask(plan, "qwen3-8b", ["lora"], [1, 2])
    one, two = found.options
    sure = Option(entry=two.entry, dearer=Interval(value=1.5, low=1.2, high=1.9))
    said = counts.sentences(msgspec.structs.replace(found, options=(one, sure)), RENT)
    assert said[1] == "One GPU costs the least; two cost 1.5 times (1.2 to 1.9) as much."
    slow = Option(entry=two.entry, dearer=Interval(value=2.5, low=2.2, high=2.9))
    said = counts.sentences(msgspec.structs.replace(found, options=(one, slow)), RENT)
    assert said[2] == "One GPU is as fast."


def test_each_number_of_gpus_has_the_way_that_fits(plan: Planner) -> None:
    """DDP where one GPU has room, FSDP2 beside it where that was measured or alone where not."""
    fits = plan.entry(asked.case("qwen3-32b", "lora"), H200)
    ways = [counts.way(entry) for entry in counts.spread(plan, fits, [1, 2, 4], None)]
    assert ways == ["1", "2 DDP", "2 FSDP2", "4 DDP"]
    ways = [counts.way(entry) for entry in counts.spread(plan, fits, [4], "fsdp2")]
    assert ways == ["4 FSDP2"]
    large = plan.entry(asked.case("gpt-oss-120b", "lora"), H200)
    assert [counts.way(e) for e in counts.spread(plan, large, [2], None)] == ["2 FSDP2"]
    unable = plan.entry(asked.case("gpt-oss-120b", "unsloth-lora"), H200)
    (entry,) = counts.spread(plan, unable, [2], None)
    assert (counts.way(entry), entry.verdict) == ("2 DDP", "does not fit")


def test_rent_is_of_all_gpus(plan: Planner) -> None:
    """Two GPUs for an hour cost twice what one does."""
    hour = Interval(value=3600, low=3600, high=3600)
    both = planner.rent(hour, RENT, 2)
    assert both is not None
    assert both.value == 8
    assert prices.rents(RENT)
