"""The time of a step that was not measured: what is counted, what is fitted, what is refused."""

import math
import statistics

import msgspec
import pytest

from suite.catalog.tier import Workload
from suite.estimate import step_time, time_samples
from suite.estimate.errors import time as time_errors
from suite.estimate.errors.time import TARGET, HeldOut, held_out, spread
from suite.estimate.roofline import demand, refusal
from suite.estimate.step_time import TimeModel
from suite.paths import RESULTS
from suite.results.record import Record
from suite.results.storage import run_folder
from support.asked import case
from support.planted_times import PLANTED, RATES, WORKS, sample


@pytest.fixture(scope="module")
def published() -> tuple[Record, ...]:
    return run_folder.read([RESULTS]).records


def test_planted_factors_predict_what_was_left_out() -> None:
    """A fit on dense models of two sizes tells a third, whose steps it never saw, within 5 %."""
    found = [sample(*work) for work in WORKS]
    errors = [each.error for each in held_out(found) if each.way == "model"]
    assert len(errors) == len(WORKS)
    assert max(abs(error) for error in errors if error is not None) < 0.05


def test_published_records_are_predicted_within_the_target(published: tuple[Record, ...]) -> None:
    """Held out by model, method and length, half of the cases or more are within 20 %."""
    errors = held_out(time_samples.samples(published))
    for way in ("model", "method", "long rows"):
        known = [abs(e.error) for e in errors if e.way == way and e.error is not None]
        assert known
        assert statistics.median(known) <= TARGET


def test_what_no_case_was_alike_is_refused_and_not_guessed() -> None:
    """Experts, a second engine and rows that differ in length have a reason instead of a time."""
    model = step_time.fit_factors(
        [sample("qwen3-8b", "unsloth-qlora"), sample("qwen3-8b", "unsloth-lora")]
    )
    assert model.lacks(case("qwen3-32b", "unsloth-qlora")) == ""
    assert "experts" in model.lacks(case("gpt-oss-120b", "unsloth-qlora"))
    assert "engine transformers" in model.lacks(case("qwen3-8b", "lora"))
    padded = Workload(sequence_tokens=2048, batch_sequences=2, data="real-length")
    uneven = msgspec.structs.replace(case("qwen3-8b", "unsloth-qlora"), workload=padded)
    assert "length" in model.lacks(uneven)
    assert refusal(case("gpt-oss-120b", "qlora"))  # what cannot run has no time either
    assert "rows a step" in refusal(case("qwen3-8b", "lora", rows=1 << 60))  # counted row by row


def test_held_out_experts_count_as_not_predicted() -> None:
    """The only model with experts is not predicted by the others, and says why."""
    found = [sample(*work) for work in WORKS[:9]]
    found += [sample("gpt-oss-120b", "unsloth-qlora"), sample("qwen3-8b", "unsloth-lora")]
    (lonely,) = [
        each
        for each in held_out(found)
        if each.way == "model" and each.sample.case.model.name == "gpt-oss-120b"
    ]
    assert lonely.error is None
    assert "experts" in lonely.reason


def test_an_absurd_record_does_not_decide_the_fit(published: tuple[Record, ...]) -> None:
    """A stranger's clock that is a thousand times too fast, and a probe of nearly nothing."""
    good = time_samples.samples(published)
    record = next(r for r in published if r.record_id == good[0].record_ids[0])
    probe = record.environment.probe
    assert probe is not None
    slow = msgspec.structs.replace(probe, matmul_flops_per_second=1e-300)
    environment = msgspec.structs.replace(record.environment, probe=slow)
    quick = tuple(
        msgspec.structs.replace(step, seconds=step.seconds / 1000) for step in record.steps
    )
    stalled = msgspec.structs.replace(probe, host_to_device_bytes_per_second=1e-300)
    linked = msgspec.structs.replace(record.environment, probe=stalled)
    (unlinked,) = time_samples.samples([msgspec.structs.replace(record, environment=linked)])
    assert unlinked.rates.link_bytes_per_second is None
    strange = [
        msgspec.structs.replace(record, profile="a", environment=environment),
        msgspec.structs.replace(record, profile="b", steps=quick),
    ]
    assert time_samples.samples([*published, *strange]) == good


def test_launches_of_a_case_are_one_sample(published: tuple[Record, ...]) -> None:
    """Many launches of one case weigh as one; seeds are no other work for a clock."""
    found = time_samples.samples(published)
    again = [
        msgspec.structs.replace(r, case=msgspec.structs.replace(r.case, seed=r.case.seed + 1))
        for r in published
    ]
    assert len(time_samples.samples([*published, *again])) == len(found)


def test_demands_grow_with_what_causes_them() -> None:
    """Tokens bring work and not weights; 4 bits bring unpacking, eager attention its scores."""
    one, two = demand(case("qwen3-8b", "lora")), demand(case("qwen3-8b", "lora", rows=4))
    assert two.flops == 2 * one.flops
    assert two.activation_bytes == 2 * one.activation_bytes
    assert two.weight_bytes == one.weight_bytes
    assert demand(case("qwen3-8b", "qlora")).weight_bytes > 2 * one.weight_bytes
    eager = demand(case("qwen3-8b", "lora-naive")).activation_bytes
    assert eager > demand(case("qwen3-8b", "lora")).activation_bytes
    assert one.offload_bytes == demand(case("qwen3-8b", "unsloth-full")).offload_bytes == 0
    kept = 36 * 4096 * 4096 * 2  # layers, tokens, hidden size, bytes: to the host and back
    assert demand(case("qwen3-8b", "unsloth-lora")).offload_bytes == 2 * kept
    assert demand(case("gpt-oss-120b", "unsloth-qlora")).expert_kernels > 0
    assert one.expert_kernels == 0


def test_many_cases_of_one_model_do_not_narrow_the_interval() -> None:
    """Each model counts alike: fifty good cases of one leave the misses of four others in."""
    names = ["qwen3-0.6b", "qwen3-8b", "qwen3-32b", "gpt-oss-20b", "gpt-oss-120b"]
    errors = []
    for name in names:
        for _ in range(50 if name == "qwen3-8b" else 1):
            made = sample(name, "unsloth-qlora")
            off = 1.01 if name == "qwen3-8b" else 1.5
            errors.append(
                time_errors.HeldOut(way="model", sample=made, predicted_seconds=off * made.seconds)
            )
    assert spread(errors) == pytest.approx(0.405, abs=0.01)  # ln 1.5
    assert spread(errors[:3]) > 0.405  # too little to go by


def test_two_cards_tell_memory_from_processors() -> None:
    """Equal but for bandwidth, they show what waits for it; a third that has neither is told."""
    works = [work for work in WORKS if work[0] == "qwen3-8b"]
    slow = msgspec.structs.replace(RATES, bytes_per_second=2e12, processors=132)
    wide = msgspec.structs.replace(RATES, processors=132)
    found = [sample(*work, rates=rates) for rates in (slow, wide) for work in works]
    other = msgspec.structs.replace(RATES, bytes_per_second=1e12, processors=188)
    model = step_time.fit_factors(found)
    for work in works:
        there = sample(*work, rates=other)
        assert model.parts(there.case, other).seconds == pytest.approx(there.seconds, rel=0.05)


def test_a_card_whose_processors_are_unknown_waits_for_memory_alone() -> None:
    """Twice the bandwidth halves what moves activations, as if both kept step."""
    model = TimeModel(factors=PLANTED, samples=())
    wanted = case("qwen3-8b", "lora")
    twice = msgspec.structs.replace(RATES, bytes_per_second=2 * RATES.bytes_per_second)
    one, two = model.parts(wanted, RATES), model.parts(wanted, twice)
    assert two.activations == pytest.approx(one.activations / 2)
    known = model.parts(wanted, msgspec.structs.replace(twice, processors=132))
    assert known.activations > two.activations


def test_a_few_steps_are_no_measurement_of_time(published: tuple[Record, ...]) -> None:
    """A try of a search has one steady step; what fits it tells, how fast it does not."""
    (first, *_), tries = (
        time_samples.samples(published),
        [r for r in published if r.outcome == "ok"],
    )
    record = next(r for r in tries if r.record_id == first.record_ids[0])
    steady = [step for step in record.steps if step.role == "steady"]
    short = msgspec.structs.replace(record, steps=tuple(steady[: time_samples.LEAST_STEPS - 1]))
    assert not time_samples.timed(short)
    assert time_samples.samples([short]) == []
    assert time_samples.timed(
        msgspec.structs.replace(record, steps=tuple(steady[: time_samples.LEAST_STEPS]))
    )


def missed(model: str, method: str, factor: float, host_share: float) -> HeldOut:
    """A case predicted at ``factor`` times what it took."""
    made = sample(model, method)
    return HeldOut(
        way="method",
        sample=made,
        predicted_seconds=factor * made.seconds,
        host_share=host_share,
    )


METHODS = ("lora", "qlora", "full", "unsloth-lora", "unsloth-qlora", "lora-liger")


def test_an_interval_is_as_wide_as_the_host_decides() -> None:
    """Steps that the host decides are missed by half; those of the GPU stay sure of themselves."""
    errors = [missed("qwen3-8b", method, 1.05, 0.1) for method in METHODS]
    errors += [missed("qwen3-0.6b", method, 2.0, 1.5) for method in METHODS]
    found, wanted = time_errors.widths(errors), case("qwen3-8b", "lora")
    assert found.of(wanted, 0.0) == found.of(wanted, 0.29) == pytest.approx(0.1)  # never surer
    assert found.of(wanted, 9.0) == found.of(wanted, 1.0) == pytest.approx(math.log(2))
    assert found.of(wanted, 0.5) == 0.7  # nothing to go by
    assert found.of(case("gpt-oss-120b", "unsloth-qlora"), 0.0) == 0.7  # nor of experts


def test_no_error_is_judged_by_its_own_width() -> None:
    """One method that is off by five is outside of what the others say, though it widens all."""
    good = [missed("qwen3-8b", method, 1.05, 0.1) for method in METHODS]
    found = time_errors.covered([*good, missed("qwen3-8b", "lora-naive", 5.0, 0.1)])
    assert found == [(0, True)] * len(good) + [(0, False)]


def test_published_intervals_hold_what_they_claim(published: tuple[Record, ...]) -> None:
    """90 % of held-out cases or more, and where the GPU decides within a factor of 1.3."""
    errors = held_out(time_samples.samples(published))
    inside = [ok for _, ok in time_errors.covered(errors)]
    assert sum(inside) >= 0.9 * len(inside)
    assert time_errors.widths(errors).of(case("qwen3-8b", "lora"), 0.0) < math.log(1.3)
