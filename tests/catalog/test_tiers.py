"""The tiers' cases together."""

import msgspec
import pytest

from suite.catalog import case as cases
from suite.catalog import tier as tiers
from suite.catalog.parallel import Parallel
from suite.catalog.tier import Variant


def test_an_id_means_the_same_work_in_every_tier() -> None:
    """Records of different tiers can be compared by their case id."""
    found: dict[str, object] = {}
    for name in tiers.names():
        for case in cases.cases(tiers.load(name), loop="sft", seed=0):
            work = case.model, case.method, case.workload
            assert found.setdefault(case.case_id, work) == work, f"{case.case_id} of {name}"


def test_every_length_of_a_sweep_is_the_same_number_of_tokens() -> None:
    """Otherwise its points would differ in more than the length."""
    for name in ("sweep", "sweep-32b"):
        made = cases.cases(tiers.load(name), loop="sft", seed=0)
        tokens = {c.workload.sequence_tokens * c.workload.batch_sequences for c in made}
        assert len(tokens) == 1
        assert len({c.workload.sequence_tokens for c in made}) > 1


def test_the_tier_of_two_gpus_names_its_cases_as_the_options_would() -> None:
    """Results of ``--gpus 2`` and of the tier then stand together."""
    made = cases.cases(tiers.load("two-gpus"), loop="sft", seed=0)
    ddp = Parallel(kind="ddp", gpus=2)
    asked = cases.cases(
        tiers.load("standard"),
        loop="sft",
        seed=0,
        model_names=["qwen3-8b"],
        method_names=["lora"],
        parallel=ddp,
    )
    of_tier = {each.case_id: each.workload for each in made}
    assert of_tier[asked[0].case_id] == asked[0].workload


def test_a_variant_on_one_gpu_needs_a_suffix() -> None:
    """Its ids would be those of the tier's own workload."""
    work = {"sequence_tokens": 128, "batch_sequences": 2}
    with pytest.raises(msgspec.ValidationError, match="needs a suffix"):
        msgspec.convert({"workload": work}, Variant)
    spread = {**work, "parallel": {"kind": "ddp", "gpus": 2}}
    assert msgspec.convert({"workload": spread}, Variant).suffix is None


def test_a_tier_that_is_spread_over_gpus_already_has_each_case_once() -> None:
    """Its own workload and the variant of two GPUs would be the same work twice."""
    tier, ddp = tiers.load("two-gpus"), Parallel(kind="ddp", gpus=2)
    ids = [each.case_id for each in cases.cases(tier, loop="sft", seed=0, parallel=ddp)]
    assert ids.count("qwen3-8b-lora-ddp-2gpus") == 1
    assert len(set(ids)) == len(ids)
