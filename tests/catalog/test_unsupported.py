"""Cases that no library here can run are known before any worker starts."""

import msgspec
import pytest

from suite.catalog import case as cases
from suite.catalog import tier as tiers
from suite.catalog.case import Case, unsupported_reason


def case(model: str, method: str, packing: str = "none") -> Case:
    tier = tiers.load("smoke")
    made = cases.cases(tier, loop="sft", seed=0, model_names=[model], method_names=[method])
    workload = msgspec.structs.replace(made[0].workload, packing=packing)
    return msgspec.structs.replace(made[0], workload=workload)


@pytest.mark.parametrize(
    ("model", "method", "packing", "phrase"),
    [
        ("gpt-oss-20b", "qlora", "none", "would not be QLoRA"),
        ("gpt-oss-20b", "unsloth-qlora", "none", None),
        ("gpt-oss-20b", "lora", "packed", "would see each other"),
        ("gpt-oss-20b", "unsloth-lora", "padding-free", "would see each other"),
        ("qwen3-8b", "qlora", "packed", None),
        ("gpt-oss-20b", "unsloth-qlora-expert-loop", "none", None),
        ("qwen3-30b-a3b", "unsloth-qlora-expert-loop", "none", "for gpt-oss alone"),
        ("qwen3-8b", "unsloth-qlora-expert-loop", "none", "has no experts"),
    ],
)
def test_what_is_unsupported(model: str, method: str, packing: str, phrase: str | None) -> None:
    """A reason in words where there is one, None where the case can run."""
    reason = unsupported_reason(case(model, method, packing))
    assert (reason is None) if phrase is None else (phrase in str(reason))
