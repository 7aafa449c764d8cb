"""Several GPUs, estimated: held out on what was measured, wider beyond it, refused without it."""

import math

import pytest
from msgspec.structs import replace

from suite.catalog import profile as profiles
from suite.catalog.case import Case
from suite.catalog.parallel import Parallel, ParallelName
from suite.estimate import planner, storage
from suite.estimate.groups import exchange, group_memory, group_model
from suite.estimate.groups.group_model import Growth
from suite.estimate.job.count_errors import held_out
from suite.estimate.planner import Planner
from suite.paths import RESULTS
from suite.results.record import GpuLink, Record, Topology
from suite.results.storage import run_folder
from suite.wire.ranks import Transfer
from support import asked

H200, H100 = profiles.load("h200-sxm"), profiles.load("h100-sxm")


@pytest.fixture(scope="module")
def published() -> list[Record]:
    return list(run_folder.read([RESULTS / "h200-sxm"]).records)


@pytest.fixture(scope="module")
def plan(published: list[Record]) -> Planner:
    return planner.fit_planner(published)


def case(model: str, method: str, kind: ParallelName, gpus: int, tokens: int = 2048) -> Case:
    found = asked.case(model, method, tokens)
    load = replace(found.workload, parallel=Parallel(kind=kind, gpus=gpus))
    return replace(found, workload=load)


def test_measured_cases_are_told_by_the_others(plan: Planner) -> None:
    """Left out one by one: steps within their intervals, memory within 6 %."""
    tried = held_out(plan)
    assert {each.sample.case.gpus for each in tried} == {2}
    assert {each.sample.case.parallel.kind for each in tried if each.sample.case.parallel} == {
        "ddp",
        "fsdp2",
    }
    steps = [(each.seconds, each.sample.seconds) for each in tried]
    inside = [step.low <= measured <= step.high for step, measured in steps if step is not None]
    assert len(inside) == len(tried) >= 6
    assert sum(inside) >= 0.8 * len(inside)
    for each in tried:
        needs, needed = each.entry.needs_bytes, each.sample.needs_bytes
        assert needs is not None
        assert needed is not None
        assert needs.value == pytest.approx(needed.value, rel=0.06)
        assert each.entry.verdict == "fits"


def test_what_was_measured_on_several_is_the_answer(
    plan: Planner, published: list[Record]
) -> None:
    """The rate is of all GPUs, the memory that of the rank that needs most, the rows the same."""
    entry = plan.entry(case("qwen3-32b", "lora", "fsdp2", 2), H200)
    known = {each.record_id: each for each in published}
    ranks = [rank for each in entry.records for rank in known[each.record_id].group.ranks]  # type: ignore[union-attr]
    highest = max(
        phase.memory.allocated_peak_bytes or 0 for rank in ranks for phase in rank.phases
    )
    assert entry.basis == "measured"
    assert entry.needs_bytes is not None
    assert highest < entry.needs_bytes.low < highest + 2 * 2**30
    assert entry.alone is not None
    assert entry.alone.needs_bytes is not None
    assert entry.needs_bytes.high < 0.7 * entry.alone.needs_bytes.low
    assert entry.tokens_per_second is not None
    assert entry.alone.tokens_per_second is not None
    assert 1.5 < entry.tokens_per_second.value / entry.alone.tokens_per_second.value < 2


def test_beyond_what_was_measured_intervals_grow(plan: Planner) -> None:
    """Each doubling may cost as much as the first, or waits grow no more."""
    factors = []
    for gpus in (2, 4, 8):
        entry = plan.of_several(case("qwen3-8b", "unsloth-lora", "ddp", gpus), H200)
        assert entry.basis == "projected"
        assert entry.longer is not None
        factors.append(entry.longer)
    assert factors[0].value < factors[1].value < factors[2].value
    assert factors[0].low == pytest.approx(factors[2].low, rel=0.01)
    assert math.log(factors[2].high) == pytest.approx(3 * math.log(factors[0].high), rel=0.01)


def test_waits_that_seem_to_shorten_steps_do_not_grow() -> None:
    """Noise on two GPUs becomes no gain on eight, and the ends stay in order."""
    found = Growth(mean=-0.05, low=-0.2, high=0.1, cases=3).factor(8)
    assert found.value == pytest.approx(math.exp(-0.05))
    assert found.high == pytest.approx(math.exp(0.3))
    assert Growth(mean=0.1, low=0, high=0.2, cases=2).factor(1).value == 1


def test_exchange_is_counted_as_nccl_tests_do() -> None:
    """2 (n - 1) / n of the gradients; weights twice and gradients once, layer by layer."""
    fast = [
        Transfer(operation=operation, message_bytes=size, seconds=1, bus_bytes_per_second=rate)
        for operation, size, rate in (
            ("all-reduce", 1 << 12, 1.0),
            ("all-reduce", 1 << 28, 100e9),
            ("all-gather", 1 << 28, 200e9),
        )
    ]
    ddp, fsdp2 = (case("qwen3-32b", "lora", kind, 4) for kind in ("ddp", "fsdp2"))
    gradients = storage.trained_bytes(ddp.model, ddp.method)
    assert exchange.step_seconds(ddp, fast) == pytest.approx(1.5 * gradients / 100e9)
    weights = exchange.gathered_bytes(fsdp2)
    assert weights == 65524246528 + gradients / 2, "adapters are gathered in half their width"
    total = 2 * weights + gradients
    assert exchange.step_seconds(fsdp2, fast) == pytest.approx(0.75 * total / 200e9)
    assert exchange.step_seconds(fsdp2, fast[:2]) is None
    assert exchange.step_seconds(group_model.on_one(ddp), fast) is None


def test_shares_of_weights_shrink_and_the_rest_stays(plan: Planner) -> None:
    """FSDP2 on twice as many GPUs saves half a share of what is kept, and nothing else."""
    two, four = (plan.of_several(case("qwen3-32b", "lora", "fsdp2", n), H200) for n in (2, 4))
    assert two.needs_bytes is not None
    assert four.needs_bytes is not None
    method, model = two.case.method, two.case.model
    kept = sum(storage.frozen_bytes(model, method).values())
    kept += 2 * storage.trained_bytes(model, method) + storage.optimizer_bytes(model, method)
    assert two.needs_bytes.low - four.needs_bytes.low == pytest.approx(kept / 4, rel=0.01)
    assert group_memory.verdict(two.needs_bytes, two.needs_bytes.low - 1) == "does not fit"
    assert group_memory.verdict(two.needs_bytes, two.needs_bytes.high) == "tight"
    assert group_memory.verdict(None, 1e12) == "unknown"


def test_a_model_that_fits_no_single_gpu_has_a_time_on_several(published: list[Record]) -> None:
    """FSDP2's time begins at that of one GPU with room enough, which is an estimate."""
    twins = [
        replace(each, profile="h100-sxm")
        for each in published
        if each.case.parallel is not None or each.model == "qwen3-8b"
    ]
    known = planner.fit_planner([*published, *twins])
    alone = known.entry(asked.case("qwen3-32b", "lora", 8192), H100)
    assert alone.verdict == "does not fit"
    entry = known.entry(case("qwen3-32b", "lora", "fsdp2", 4, 8192), H100)
    assert entry.verdict == "fits"
    assert entry.basis == "projected"
    whole = known.entry(case("qwen3-32b", "lora", "ddp", 4, 8192), H100)
    assert whole.verdict == "does not fit"
    assert whole.tokens_per_second is None


@pytest.mark.parametrize(
    ("wanted", "card", "said"),
    [
        (case("qwen3-8b", "lora", "ddp", 2), "h100-sxm", "no two of these GPUs were measured"),
        (case("qwen3-8b", "lora", "ddp", 16), "h200-sxm", "more than 8 GPUs"),
        (case("qwen3-8b", "full", "fsdp2", 4), "h200-sxm", "trains all weights in 32 bits"),
        (case("qwen3-8b", "lora", "split", 2), "h200-sxm", "take turns"),
        (case("qwen3-8b", "unsloth-lora", "fsdp2", 4), "h200-sxm", "unsupported: Unsloth does"),
    ],
)
def test_what_is_unknown_stays_so(plan: Planner, wanted: Case, card: str, said: str) -> None:
    """No time, no energy, and a reason."""
    entry = plan.entry(wanted, profiles.load(card))
    assert entry.basis == "none"
    assert entry.tokens_per_second is entry.joules_per_token is None
    assert said in entry.reason


def test_gpus_without_nvlink_say_nothing_of_more(published: list[Record]) -> None:
    """Over PCIe more GPUs share a path: as many as were measured, and no more."""
    path = Topology(links=(GpuLink(first=0, second=1, path="host-bridge"),))
    slow = [
        each if each.group is None else replace(each, group=replace(each.group, topology=path))
        for each in published
    ]
    known = planner.fit_planner(slow)
    assert known.of_several(case("qwen3-8b", "lora", "ddp", 2), H200).basis == "projected"
    more = known.entry(case("qwen3-8b", "lora", "ddp", 4), H200)
    assert "joined without NVLink" in more.reason


def test_one_case_on_several_tells_nothing_of_others(published: list[Record]) -> None:
    """How far cases differ cannot be read from one."""
    few = [
        each
        for each in published
        if each.case.parallel is None or (each.model, each.method) == ("qwen3-8b", "lora")
    ]
    entry = planner.fit_planner(few).entry(case("qwen3-8b", "qlora", "ddp", 2), H200)
    assert "too few cases on several GPUs" in entry.reason
