"""What a method's file may say of experts, and that no published row has become other work."""

import json
from typing import Any

import msgspec
import pytest

from suite.catalog import case as cases
from suite.catalog import method as methods
from suite.catalog import tier as tiers
from suite.catalog.case import Case
from suite.paths import RESULTS


def lines() -> list[dict[str, Any]]:
    """Every record that was published, as it was written."""
    found = []
    for journal in sorted(RESULTS.glob("*/*/journal.jsonl")):
        found += [json.loads(line) for line in journal.read_text().splitlines()]
    return found


def test_published_work_is_still_the_same_work() -> None:
    """The digest in each published record is what the code computes of its case today."""
    published = lines()
    assert len(published) > 100
    for each in published:
        case = msgspec.convert(each["case"], Case)
        assert cases.work_key(case) == each["work_key"], each["record_id"]


def test_older_records_left_the_path_of_experts_to_the_engine() -> None:
    """A method that says nothing of experts means what it meant before it could."""
    cases_written = [each["case"] for each in lines()]
    silent = [case for case in cases_written if "experts" not in case["method"]]
    assert len(silent) > 100
    assert {msgspec.convert(case, Case).method.experts for case in silent} == {"engine"}


def test_the_loop_is_the_same_work_and_no_other_method() -> None:
    """Its rows stand beside Unsloth QLoRA's, whose losses they must have."""
    default, loop = (methods.load(name) for name in ("unsloth-qlora", "unsloth-qlora-expert-loop"))
    assert loop.reference == default.name
    said = {name: getattr(default, name) for name in ("name", "title", "summary", "why")}
    as_default = msgspec.structs.replace(loop, experts="engine", reference="qlora", **said)
    assert as_default == default
    made = cases.cases(
        tiers.load("gpt-oss"), loop="sft", seed=0, method_names=[default.name, loop.name]
    )
    assert len({cases.work_key(case) for case in made}) == 1


def test_the_tier_runs_the_loop_right_after_the_default() -> None:
    """Both run in one sitting, today's path first."""
    assert tiers.load("gpt-oss").methods[:2] == ("unsloth-qlora", "unsloth-qlora-expert-loop")


@pytest.mark.parametrize("name", ["qlora", "unsloth-lora", "lora"])
def test_a_path_of_experts_needs_an_engine_that_has_two(name: str) -> None:
    """transformers has no such switch, and Unsloth has it for experts in 4 bits alone."""
    method = methods.load(name)
    with pytest.raises(ValueError, match="needs engine = 'unsloth' and quantization"):
        msgspec.structs.replace(method, experts="loop")
    assert msgspec.structs.replace(method, experts="engine") == method
