"""The memory of a case that was not run: exact where it can be, honest about the rest."""

from itertools import pairwise

import msgspec
import pytest

from suite.catalog import profile as profiles
from suite.catalog.case import Case
from suite.catalog.optimizers import OptimizerName
from suite.estimate import memory, storage
from suite.estimate.errors.memory import TARGET, held_out, summaries
from suite.estimate.interval import Interval
from suite.estimate.memory import MemoryEstimate
from suite.estimate.pass_sizes import work
from suite.paths import RESULTS
from suite.results.record import Record
from suite.results.storage import run_folder
from suite.wire import MOST, Ledger, Memory, Phase
from support import gpu_records
from support.asked import case
from support.gpu_records import GIB


@pytest.fixture(scope="module")
def published() -> tuple[Record, ...]:
    return run_folder.read([RESULTS]).records


def record(made: Case, factor: float, *, fragmentation: int = 0, **changes: object) -> Record:
    """A record of a LoRA case whose activations are ``factor`` times the layer's formula."""
    sizes = work(made)
    held = round(sizes.checkpoints + factor * sizes.layer)
    kept = sum(line.bytes or 0 for line in storage.lines(made))
    peak = kept + held
    at = Memory(
        allocated_peak_bytes=peak,
        reserved_peak_bytes=peak + fragmentation,
        nvml_process_peak_bytes=peak + fragmentation + GIB,
    )
    trained = storage.trained_bytes(made.model, made.method)
    values: dict[str, object] = {
        "case": made,
        "case_id": made.case_id,
        "steps": (),
        "phases": tuple(
            Phase(name=phase, seconds=1.0, memory=at)
            for phase in ("load", "prepare", "first_step", "steady")
        ),
        "ledger": Ledger(
            frozen_weights_bytes=storage.frozen_bytes(made.model, made.method),
            trained_weights_bytes=trained,
            quantization_state_bytes=0,
            buffers_bytes=0,
            gradients_bytes=trained,
            optimizer_state_bytes=2 * trained,
            paged_optimizer_state_bytes=0,
            activations_bytes=held,
            fragmentation_bytes=fragmentation,
        ),
    }
    return gpu_records.record(made.model.name, made.method.name, **{**values, **changes})


def test_what_is_kept_between_steps_is_exact(published: tuple[Record, ...]) -> None:
    """Weights by dtype, NF4's scales, gradients and optimizer state: byte for byte as recorded."""
    seen = set()
    for each in published:
        ledger, model, method = each.ledger, each.case.model, each.case.method
        if ledger is None or each.case.parallel is not None:
            continue  # what a rank holds of a sharded model is a part
        seen.add(method.name)
        frozen, trained = storage.frozen_bytes(model, method), storage.trained_bytes(model, method)
        state = storage.optimizer_bytes(model, method)
        if (parallel := each.case.parallel) is not None and parallel.kind == "fsdp2":
            # A rank's shards; NF4's scales and the optimizer's step counters are whole on each.
            assert sum(frozen.values()) == parallel.gpus * sum(
                ledger.frozen_weights_bytes.values()
            )
            counters = state - 2 * trained
            state = 2 * trained // parallel.gpus + counters
            trained //= parallel.gpus
        else:
            assert frozen == ledger.frozen_weights_bytes, each.case_id
        assert storage.quantization_bytes(model, method) == ledger.quantization_state_bytes
        assert trained == ledger.trained_weights_bytes
        assert trained == ledger.gradients_bytes
        assert state == ledger.optimizer_state_bytes
        assert storage.buffer_bytes(each.case) == ledger.buffers_bytes
    assert {"full", "lora", "qlora", "unsloth-full", "unsloth-qlora-experts"} <= seen


def test_paged_state_may_be_on_either_side() -> None:
    """It is in no line of torch's memory, and only the upper end counts it as on the card."""
    made = with_optimizer(case("qwen3-8b", "lora"), "paged_adamw_32bit")
    rank, layers, shapes = 16, 36, made.model.architecture
    # Tensors of 100,000 elements and more: A and B of the feed-forward's wide sides only.
    large = 3 * layers * rank * (shapes.intermediate_size or 0)
    assert storage.paged_bytes(made.model, made.method) == 2 * 4 * large
    small = storage.trained_bytes(made.model, made.method) - 4 * large
    assert storage.optimizer_bytes(made.model, made.method) == 2 * small
    plain, paged = (
        memory.fit_memory([]).estimate(each, 140 * GIB)
        for each in (with_optimizer(made, "adamw_torch"), made)
    )
    assert paged.needs_bytes.low < plain.needs_bytes.low
    assert paged.needs_bytes.high == pytest.approx(plain.needs_bytes.high, abs=1 << 20)
    assert paged.paged_bytes == 2 * 4 * large


def with_optimizer(made: Case, name: OptimizerName) -> Case:
    optimizer = msgspec.structs.replace(made.method.optimizer, name=name)
    method = msgspec.structs.replace(made.method, optimizer=optimizer)
    return msgspec.structs.replace(made, method=method)


def test_the_published_model_is_within_its_target_for_most(published: tuple[Record, ...]) -> None:
    """Whatever is left out, the median prediction of a peak is within 10 %, and is no copy."""
    found = summaries(held_out(published))
    assert {each.way for each in found} == {"model", "method", "long sequences"}
    for each in found:
        assert 0 < each.median_error <= TARGET
        assert each.cases >= each.groups


def test_the_factor_of_the_records_is_found_again() -> None:
    """Activations that are 1.3 times the formula everywhere predict another size of them."""
    known = [record(case("qwen3-8b", "lora", tokens), 1.3) for tokens in (1024, 4096)]
    wanted = case("qwen3-8b", "lora", 2048)
    found = memory.fit_memory(known).estimate(wanted, 140 * GIB)
    sizes = work(wanted)
    expected = sizes.checkpoints + 1.3 * sizes.layer
    assert found.parts["activations"] == pytest.approx(expected, rel=1e-6)
    assert found.calibrated_on == 2
    assert found.note == ""
    kept = sum(found.parts.values()) - found.parts["fragmentation"] - found.parts["context"]
    assert found.allocated_bytes.value == pytest.approx(kept)


def test_launches_of_one_case_count_once_by_their_highest_peak() -> None:
    """Five launches of one size do not outvote one of another size."""
    made = case("qwen3-8b", "lora")
    low = [record(made, 1.0, launch=number) for number in range(1, 6)]
    found = memory.observations([*low, record(made, 1.5, launch=6)])
    assert [each.record.launch for each in found] == [6]


def test_without_a_record_the_exact_parts_stay_and_the_rest_is_wide() -> None:
    """Not calibrated is said, nothing is sure in between, and the impossible is still certain."""
    fitted = memory.fit_memory(
        [gpu_records.failed(), record(case("qwen3-8b", "lora"), 1.0, ledger=None)]
    )
    made = case("qwen3-8b", "lora")
    found = fitted.estimate(made, 24 * GIB)
    assert found.calibrated_on == 0
    assert "not calibrated" in found.note
    assert found.parts["frozen_weights"] == 16_381_470_720
    held = found.parts["activations"]
    assert found.allocated_bytes.high - found.allocated_bytes.value >= held * 0.99
    assert memory.verdict(found, profiles.load("rtx-4090")) == "unknown"
    whole = fitted.estimate(case("gpt-oss-120b", "lora"), None)
    assert memory.verdict(whole, profiles.load("rtx-4090")) == "does not fit"


def test_a_strangers_impossible_number_is_not_fitted_on() -> None:
    """A record with activations of any size changes no estimate."""
    made = case("qwen3-8b", "lora")
    good = record(made, 1.0)
    assert good.ledger is not None
    broken = msgspec.structs.replace(good.ledger, activations_bytes=MOST * 8)
    other = record(case("qwen3-8b", "lora", 512), 1.0, ledger=broken)
    alone, both = memory.fit_memory([good]), memory.fit_memory([good, other])
    assert alone.estimate(made, None) == both.estimate(made, None)


def test_a_strangers_absurd_model_costs_no_time() -> None:
    """As many layers and experts as a number can say: arithmetic, no loop over them."""
    made = case("qwen3-30b-a3b", "unsloth-qlora-experts")
    shape = made.model.architecture
    assert shape.experts is not None
    most = 2**63 - 1
    experts = msgspec.structs.replace(shape.experts, count=most)
    absurd = msgspec.structs.replace(shape, layers=most, experts=experts)
    model = msgspec.structs.replace(made.model, architecture=absurd)
    strange = record(msgspec.structs.replace(made, model=model), 1.0)
    assert strange.ledger is not None
    ledger = msgspec.structs.replace(strange.ledger, fragmentation_bytes=10**400)
    found = held_out(
        [
            strange,
            record(case("qwen3-8b", "lora"), 1.0, ledger=ledger),
            record(case("qwen3-32b", "lora"), 1.0),
        ]
    )
    assert {held.record.model for held in found} == {"qwen3-30b-a3b", "qwen3-32b"}


@pytest.mark.parametrize("method", ["lora", "lora-naive", "unsloth-qlora", "full"])
def test_more_tokens_never_need_less(method: str, published: tuple[Record, ...]) -> None:
    """Both ends of the interval grow with the rows, inside and far outside what was measured."""
    fitted = memory.fit_memory(published)
    found = [
        fitted.estimate(case("qwen3-8b", method, tokens, 1), 140 * GIB)
        for tokens in (1, 512, 2048, 4096, 4097, 8192, 16_384, 16_385, 24_576, 40_960)
    ]
    for one, other in pairwise(found):
        assert one.needs_bytes.high <= other.needs_bytes.high
        assert one.allocated_bytes.low <= other.allocated_bytes.low


def test_another_model_or_size_widens_the_interval() -> None:
    """A share of activations that is 5 % to 25 % at home is 25 % for a model never measured."""
    sizes = (1024, 2048, 4096)
    fitted = memory.fit_memory([record(case("qwen3-8b", "lora", tokens), 1.0) for tokens in sizes])

    def spread(made: Case) -> float:
        found = fitted.estimate(made, 140 * GIB)
        between = found.allocated_bytes
        return (between.high - between.value) / found.parts["activations"]

    assert spread(case("qwen3-8b", "lora")) == pytest.approx(0.05, abs=0.001)
    assert spread(case("qwen3-32b", "lora")) == pytest.approx(0.25, abs=0.001)
    assert spread(case("qwen3-8b", "lora", 40_960)) > 0.2


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(50, 95, "fits"), (50, 95.001, "tight"), (99, 300, "tight"), (99.001, 300, "does not fit")],
)
def test_a_verdict_holds_over_the_whole_interval(low: float, high: float, said: str) -> None:
    """Fits by the upper end with room to spare, does not by the lower end, else tight."""
    found = MemoryEstimate(
        lines=(),
        allocated_bytes=Interval(value=low * GIB, low=low * GIB, high=high * GIB),
        context_bytes=Interval(value=GIB, low=GIB, high=GIB),
        needs_bytes=Interval(value=low * GIB, low=low * GIB, high=high * GIB),
        phase="steady",
        calibrated_on=1,
    )
    card = profiles.load("h100-sxm")
    facts = msgspec.structs.replace(
        card.facts, nvml_memory_bytes=profiles.Fact(value=100 * GIB, source="x"), memory_bytes=None
    )
    card = msgspec.structs.replace(card, facts=facts)
    assert memory.verdict(found, card) == said
    shared = msgspec.structs.replace(card, unified_memory=True)
    assert memory.verdict(found, shared) == (
        "does not fit" if said == "does not fit" else "unknown"
    )
    unsure = msgspec.structs.replace(found, calibrated_on=0)
    assert memory.verdict(unsure, card) == ("unknown" if said == "tight" else said)


def test_a_left_out_record_is_predicted_without_itself() -> None:
    """A model whose activations are twice those of the others is missed by as much, and listed."""
    odd, plain = record(case("qwen3-32b", "lora"), 2.0), record(case("qwen3-8b", "lora"), 1.0)
    found = [held for held in held_out([odd, plain]) if held.way == "model"]
    assert {held.left_out for held in found} == {"Qwen3-8B", "Qwen3-32B"}
    missed = next(held for held in found if held.left_out == "Qwen3-32B")
    sizes = work(odd.case)
    expected = (sizes.checkpoints + sizes.layer) / (sizes.checkpoints + 2 * sizes.layer) - 1
    assert missed.activations_error == pytest.approx(expected, abs=1e-4)
    assert missed.total_bytes == missed.allocated_bytes + GIB
    assert held_out([plain]) == []
