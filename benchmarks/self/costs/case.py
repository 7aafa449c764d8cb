"""The case that both sides of the paired measurement train, and which of its steps count."""

import msgspec

from suite.catalog import case as cases
from suite.catalog import tier as tiers
from suite.catalog.case import Case

SEED = 17
STEADY_STEPS = 200


def paired_case() -> Case:
    """Return plain LoRA on a tiny Qwen3 with a warm-up of fixed length, for equal step numbers."""
    tier = tiers.load("smoke")
    (case,) = cases.cases(
        tier, loop="trainer", seed=SEED, model_names=["tiny-qwen3"], method_names=["lora"]
    )
    # A warm-up that no two windows can fulfil runs to its cap.
    warmup = msgspec.structs.replace(case.warmup, tolerance=1e-12)
    return msgspec.structs.replace(case, warmup=warmup, steady_steps=STEADY_STEPS)


def first_counted(case: Case) -> int:
    """Return the index of the first steady step."""
    return 1 + case.warmup.max_steps
