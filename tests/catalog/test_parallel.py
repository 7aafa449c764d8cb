"""How cases are spread over GPUs: part of the work, said by the id, refused with a reason."""

import msgspec
import pytest

from suite.catalog import case as cases
from suite.catalog import tier as tiers
from suite.catalog.case import Case, unsupported_reason, work_key
from suite.catalog.loops import Loop
from suite.catalog.parallel import Parallel
from suite.catalog.profile import load

DDP = Parallel(kind="ddp", gpus=2)
FSDP2 = Parallel(kind="fsdp2", gpus=2)
SPLIT = Parallel(kind="split", gpus=2)


def case(method: str, parallel: Parallel | None, loop: Loop = "sft") -> Case:
    [made] = cases.cases(
        tiers.load("smoke"),
        loop=loop,
        seed=17,
        model_names=["tiny-qwen3"],
        method_names=[method],
        parallel=parallel,
    )
    return made


def test_several_gpus_are_other_work() -> None:
    """A number of two GPUs must never stand for one, nor one way of using them for another."""
    made = [case("lora", each) for each in (None, DDP, FSDP2, Parallel(kind="ddp", gpus=4))]
    assert len({work_key(each) for each in made}) == len(made)
    assert len({each.workload for each in made}) == len(made)
    assert [each.case_id.removeprefix("tiny-qwen3-lora") for each in made] == [
        "",
        "-ddp-2gpus",
        "-fsdp2-2gpus",
        "-ddp-4gpus",
    ]


def test_a_step_is_that_of_all_ranks() -> None:
    """Each rank has rows of its own; GPUs that share the layers of one model have the same."""
    alone = case("lora", None).workload.step_tokens
    assert case("lora", DDP).workload.step_tokens == 2 * alone
    assert case("lora", SPLIT).workload.step_tokens == alone


def test_a_tier_can_say_it() -> None:
    """A workload's table in TOML has the way and the number; the command line replaces it."""
    tier = tiers.load("smoke")
    spread = msgspec.structs.replace(tier.workload, parallel=DDP)
    tier = msgspec.structs.replace(tier, workload=spread, models=("tiny-qwen3",))
    named = [
        cases.cases(tier, loop="sft", seed=17, method_names=["lora"], parallel=each)[0].case_id
        for each in (None, FSDP2)
    ]
    assert named == ["tiny-qwen3-lora-ddp-2gpus", "tiny-qwen3-lora-fsdp2-2gpus"]


@pytest.mark.parametrize(
    ("method", "parallel", "loop", "words"),
    [
        ("unsloth-lora", FSDP2, "sft", "Unsloth does not support FSDP2"),
        ("unsloth-lora", DDP, "sft", None),
        ("lora", FSDP2, "sft", None),
        ("qlora", FSDP2, "sft", None),
        ("full", DDP, "sft", None),
        ("dora", FSDP2, "sft", "lengths of whole weights"),
        ("dora", DDP, "sft", None),
        ("qlora-paper", FSDP2, "sft", "bitsandbytes' optimizer"),
        ("lora", DDP, "bare", "plain PyTorch without a trainer"),
        ("lora", SPLIT, "trainer", "there is none"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    method: str, parallel: Parallel, loop: Loop, words: str | None
) -> None:
    """It becomes a record that says why, instead of a crash or of something else that runs."""
    reason = unsupported_reason(case(method, parallel, loop), load("cpu"))
    assert (reason is None) if words is None else (words in (reason or ""))
