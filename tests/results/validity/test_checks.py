"""Truth checks: the values of "faithful" are what a real worker reported on the CPU."""

from typing import Any

import msgspec
import pytest

from suite.catalog.case import Case
from suite.catalog.flops import step_flops
from suite.catalog.method import Adapter
from suite.catalog.optimizers import OptimizerName
from suite.results.record import Check
from suite.results.validity.checks import check, possible
from suite.wire import Effective, Probe
from support import records

ATTENTION = ("k_proj", "o_proj", "q_proj", "v_proj")
FAITHFUL: dict[str, Any] = {
    "trainable_parameters": 155_648,
    "total_parameters": 1_074_560,
    "quantized_parameters": 0,
    "adapter_modules": 28,
    "adapter_targets": ("down_proj", "gate_proj", *ATTENTION, "up_proj"),
    "parameter_bytes": {"bfloat16": 1_837_824, "float32": 622_592},
    "trainable_dtypes": ("float32",),
    "attention": "sdpa",
    "autocast": "bfloat16",
    "gradient_checkpointing": "torch.utils.checkpoint.checkpoint",
    "loss_kernel": "transformers.models.qwen3.modeling_qwen3.Qwen3ForCausalLM.forward",
    "optimizer_class": "torch.optim.adamw.AdamW (fused)",
    "trainer_class": "transformers.trainer.Trainer",
    "packing": "none",
    "device": "cpu",
    "others": {
        "use_liger_kernel": False,
        "adapter_scaling": 1.0,
        "adapter_dropout": 0.0,
        "adapter_dora": False,
    },
    "arguments": {"trainer.max_grad_norm": 1.0},
}
GPT_OSS: dict[str, Any] = {
    "trainable_parameters": 28_672,
    "total_parameters": 656_784,
    "adapter_modules": 8,
    "adapter_targets": ATTENTION,
    "attention": "eager",
}
FULL: dict[str, Any] = {
    "trainable_parameters": 918_912,
    "total_parameters": 918_912,
    "adapter_modules": 0,
    "adapter_targets": (),
}


def effective(**changes: Any) -> Effective:
    others = FAITHFUL["others"] | changes.pop("others", {})
    return Effective(**{**FAITHFUL, **changes, "others": others})


def run(case: Case, settings: Effective | None) -> dict[str, Check]:
    made = check(case, settings, records.steps())
    assert len({one.name for one in made}) == len(made)
    return {one.name: one for one in made}


def not_ok(case: Case, settings: Effective) -> dict[str, str]:
    return {name: one.status for name, one in run(case, settings).items() if one.status != "ok"}


@pytest.mark.parametrize(
    ("model", "method", "changes"),
    [
        ("tiny-qwen3", "lora", {}),
        ("tiny-qwen3", "qlora", {"quantized_parameters": 786_432}),
        ("tiny-qwen3", "unsloth-lora", {}),
        ("tiny-qwen3", "unsloth-qlora", {"quantized_parameters": 786_432}),
        ("tiny-qwen3", "full", FULL),
        ("tiny-qwen3", "unsloth-full", FULL),
        ("tiny-qwen3", "lora-naive", {"attention": "eager", "autocast": None}),
        ("tiny-qwen3", "lora-liger", {"others": {"use_liger_kernel": True}}),
        ("tiny-gpt-oss", "lora", GPT_OSS),
        ("tiny-gpt-oss", "unsloth-lora", GPT_OSS),
        ("tiny-gpt-oss", "unsloth-qlora", GPT_OSS | {"quantized_parameters": 491_520}),
    ],
)
def test_a_faithful_run_passes(model: str, method: str, changes: dict[str, Any]) -> None:
    """What the engines really do for each method passes every check."""
    assert not_ok(records.case(model, method), effective(**changes)) == {}


@pytest.mark.parametrize(
    ("method", "changes", "name"),
    [
        ("lora", {"trainable_parameters": 155_647}, "trainable parameters"),
        ("lora", {"total_parameters": 918_912}, "total parameters"),
        ("lora", {"adapter_modules": 16}, "adapters"),
        ("lora", {"adapter_targets": ATTENTION}, "adapters"),
        ("lora", {"quantized_parameters": 64}, "quantized share"),
        ("lora", {"attention": "eager"}, "attention"),
        ("lora-naive", {"autocast": None}, "attention"),
        ("lora", {"autocast": None}, "autocast"),
        ("lora", {"autocast": "float16"}, "autocast"),
        ("lora-naive", {"attention": "eager"}, "autocast"),
        ("lora", {"optimizer_class": "torch.optim.adamw.AdamW"}, "optimizer"),
        ("lora", {"optimizer_class": "bitsandbytes.optim.adamw.AdamW (8 bit)"}, "optimizer"),
        ("lora", {"gradient_checkpointing": "none"}, "gradient checkpointing"),
        ("lora-norecompute", {}, "gradient checkpointing"),
        ("lora", {"arguments": {"trainer.max_grad_norm": 0.3}}, "gradient clipping"),
        ("lora", {"others": {"adapter_scaling": 0.25}}, "adapter settings"),
        ("lora", {"others": {"adapter_scaling": "0.25, 1.0"}}, "adapter settings"),
        ("lora", {"others": {"adapter_dropout": 0.1}}, "adapter settings"),
        ("lora", {"others": {"adapter_dora": True}}, "adapter settings"),
        ("lora", {"others": {"use_liger_kernel": True}}, "liger kernels"),
        ("lora-liger", {}, "liger kernels"),
    ],
)
def test_a_single_deviation_fails_one_check(
    method: str, changes: dict[str, Any], name: str
) -> None:
    """Each way of doing other work than asked is caught by its own check alone."""
    assert not_ok(records.case(method=method), effective(**changes)) == {name: "failed"}


@pytest.mark.parametrize(
    ("asked", "found", "good"),
    [
        ("adamw_8bit", "bitsandbytes.optim.adamw.AdamW (8 bit)", True),
        ("adamw_8bit", "bitsandbytes.optim.adamw.AdamW (8 bit, paged)", False),
        ("adamw_8bit", "torch.optim.adamw.AdamW (fused)", False),
        ("adamw_8bit", "torchao.optim.adam.AdamW (8 bit)", False),
        ("paged_adamw_8bit", "bitsandbytes.optim.adamw.AdamW (8 bit, paged)", True),
        ("paged_adamw_32bit", "bitsandbytes.optim.adamw.AdamW (32 bit, paged)", True),
        ("paged_adamw_32bit", "bitsandbytes.optim.adamw.AdamW (8 bit, paged)", False),
        ("paged_adamw_32bit", "bitsandbytes.optim.lion.Lion (32 bit, paged)", False),
        ("adamw_torch", "torch.optim.adamw.AdamW", True),
        ("adamw_torch", "torch.optim.adamw.AdamW (fused)", False),
    ],
)
def test_an_optimizer_is_its_library_its_class_and_its_arguments(
    asked: OptimizerName, found: str, good: bool
) -> None:
    """bitsandbytes has one class for 8 bits, 32 bits and paged state."""
    case = records.case()
    optimizer = msgspec.structs.replace(case.method.optimizer, name=asked)
    method = msgspec.structs.replace(case.method, optimizer=optimizer)
    case = msgspec.structs.replace(case, method=method)
    seen = run(case, effective(optimizer_class=found))["optimizer"]
    assert (seen.status == "ok") == good
    assert ("needs no paging" in seen.detail) == (good and "paged" in found)


def test_experts_left_in_16_bits_are_named() -> None:
    """A gpt-oss whose attention alone is quantized is not QLoRA, and the check says why."""
    case = records.case("tiny-gpt-oss", "unsloth-qlora")
    settings = effective(**GPT_OSS, quantized_parameters=98_304)
    found = run(case, settings)["quantized share"]
    assert found.status == "failed"
    assert "15.7%" in found.detail
    assert "393,216" in found.detail
    assert "experts" in found.detail


def test_sdpa_is_excused_for_gpt_oss_alone() -> None:
    """Attention sinks need eager attention; nothing else may replace what was asked."""
    case = records.case("tiny-gpt-oss", "lora")
    assert "sinks" in run(case, effective(**GPT_OSS))["attention"].detail
    other = effective(**GPT_OSS | {"attention": "flash_attention_2"})
    assert run(case, other)["attention"].status == "failed"


@pytest.mark.parametrize(
    ("device", "function", "status"),
    [
        ("cpu", "torch.utils.checkpoint.checkpoint", "ok"),
        ("cuda:0", "unsloth_zoo.gradient_checkpointing.unsloth_checkpoint", "ok"),
        ("cuda:0", "torch.utils.checkpoint.checkpoint", "unknown"),
        ("cuda:0", "none", "failed"),
    ],
)
def test_unsloth_checkpointing(device: str, function: str, status: str) -> None:
    """Unsloth's own exists on GPUs only; there another name is doubted, and none at all fails."""
    settings = effective(device=device, gradient_checkpointing=function)
    found = run(records.case(method="unsloth-lora"), settings)
    assert found["gradient checkpointing"].status == status


@pytest.mark.parametrize(
    ("modules", "targets"),
    [
        (12, (*ATTENTION, "down_proj", "gate_up_proj")),
        (24, (*ATTENTION, "0", "1", "2", "3")),
    ],
)
def test_expert_adapters_fused_or_one_by_one(modules: int, targets: tuple[str, ...]) -> None:
    """Adapters on experts count the same work in either layout."""
    case = records.case("tiny-gpt-oss", "lora")
    adapter = case.method.adapter
    assert isinstance(adapter, Adapter)
    wide = msgspec.structs.replace(adapter, targets="experts")
    method = msgspec.structs.replace(case.method, adapter=wide)
    case = msgspec.structs.replace(case, method=method)
    trained = 28_672 + 2 * 16 * 4 * ((128 + 256) + (128 + 128))
    settings = effective(
        **GPT_OSS
        | {
            "trainable_parameters": trained,
            "total_parameters": 628_112 + trained,
            "adapter_modules": modules,
            "adapter_targets": targets,
        }
    )
    assert not_ok(case, settings) == {}
    assert not_ok(case, msgspec.structs.replace(settings, adapter_modules=8)) == {
        "adapters": "failed"
    }


@pytest.mark.parametrize(
    ("asked", "path", "status", "said"),
    [
        ("engine", "grouped", "ok", "the engine chose grouped: 144 passes"),
        ("engine", None, "ok", "the engine's choice is not known: 144 passes"),
        ("loop", "loop", "ok", "loop, as asked: 144 passes"),
        ("loop", "grouped", "failed", "loop was asked for, grouped runs: 144 passes"),
        ("grouped", "loop", "failed", "grouped was asked for, loop runs: 144 passes"),
        ("loop", None, "unknown", "loop was asked for: 144 passes"),
    ],
)
def test_experts_run_as_asked(asked: str, path: str | None, status: str, said: str) -> None:
    """The path that was seen decides; one that was not seen is neither right nor wrong."""
    case = records.case("tiny-gpt-oss", "unsloth-qlora")
    method = msgspec.structs.replace(case.method, experts=asked)
    seen = {"experts_path": path, "experts_path_seen_by": "144 passes"}
    settings = effective(**GPT_OSS | {"others": FAITHFUL["others"] | seen})
    found = run(msgspec.structs.replace(case, method=method), settings)["experts"]
    assert (found.status, found.detail) == (status, said)


def test_the_path_of_experts_is_unknown_before_the_first_step() -> None:
    """What is announced says nothing of it, and a model without experts has nothing to say."""
    case = records.case("tiny-gpt-oss", "unsloth-qlora-expert-loop")
    assert run(case, effective(**GPT_OSS))["experts"].status == "unknown"
    assert run(records.case(), effective())["experts"].detail == "the model has none"


def test_a_case_that_ended_early_is_unknown_not_failed() -> None:
    """Without settings or steps nothing is claimed, and the reason is given."""
    made = check(records.case(), None, ())
    assert {one.status for one in made} == {"unknown"}
    assert all(one.detail for one in made)
    full = check(records.case(), effective(), records.steps())
    assert [one.name for one in made] == [one.name for one in full]


def test_a_loss_that_is_not_finite_fails() -> None:
    """The first bad loss is named with its step."""
    steps = list(records.steps())
    steps[4] = msgspec.structs.replace(steps[4], loss=None, loss_text="nan")
    made = check(records.case(), effective(), tuple(steps))
    found = {one.name: one for one in made}["finite losses"]
    assert found.status == "failed"
    assert found.detail == "1 of 17 losses are not finite; first: nan at step 4"


@pytest.mark.parametrize(("peak", "status"), [(1e30, "ok"), (1e3, "failed"), (None, "unknown")])
def test_a_speed_above_the_measured_peak_is_impossible(peak: float | None, status: str) -> None:
    """More operations a second than this device's matrix products reach disprove a record."""
    steps = tuple(
        msgspec.structs.replace(step, row_tokens=(step.tokens_real,)) for step in records.steps()
    )
    probe = peak and Probe(
        matmul_flops_per_second=peak, matmul="", copy_bytes_per_second=1.0, copy=""
    )
    assert possible(records.case(), steps, probe).status == status


def test_one_long_wait_does_not_make_impossible_steps_possible() -> None:
    """Nine steps above the peak are impossible, though their mean with the tenth is not."""
    steps = [msgspec.structs.replace(step, row_tokens=(128,)) for step in records.steps()]
    case = records.case()
    flops = step_flops(case.model.architecture, case.method.adapter, (128,), recomputes=False)
    probe = Probe(
        matmul_flops_per_second=flops.model / 0.2, matmul="", copy_bytes_per_second=1.0, copy=""
    )
    assert steps[-1].role == "steady"
    steps[-1] = msgspec.structs.replace(steps[-1], seconds=1000.0)
    assert possible(case, tuple(steps), probe).status == "failed", "0.1 s where 0.2 s is the least"
