"""Which path the experts took, from what unsloth_zoo counts; and which variables are set."""

import json
import os
import subprocess
import sys

import pytest

from suite.catalog import method as methods
from suite.paths import ROOT
from suite.worker.model.experts import VARIABLE, choose, passed

BEFORE = {
    "forward": 7,
    "forward_lora": 0,
    "stacked_dequant": 14,
    "bnb_fallback_dequant": 0,
    "forward_fp16": 0,
    "forward_fp16_lora": 0,
    "declined": 0,
}


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        # Recomputed layers: two passes each, two dequantizations in each pass.
        (
            {"forward": 72, "stacked_dequant": 144},
            "grouped",
            "72 grouped passes through 36 layers",
        ),
        ({"forward_fp16": 36, "bnb_fallback_dequant": 72}, "grouped", "36 grouped passes"),
        # Each pass failed in its first product and fell back to the loop without a word.
        ({"forward": 72, "stacked_dequant": 72}, None, "not all of them ended well"),
        ({"forward": 35, "stacked_dequant": 70}, None, "not all of them ended well"),
        ({"forward": 72, "stacked_dequant": 144, "declined": 1}, None, "1 declined"),
        ({}, None, "0 grouped passes"),
        ({"declined": 72}, "loop", "the grouped path declined"),
    ],
)
def test_a_grouped_path_is_one_whose_passes_ended(
    changes: dict[str, int], name: str | None, said: str
) -> None:
    """Begun passes prove nothing; what was counted before the step is not the step's."""
    after = {key: count + changes.get(key, 0) for key, count in BEFORE.items()}
    found = passed(BEFORE, after, layers=36)
    assert found.name == name
    assert said in found.why


def test_both_paths_of_unsloths_own_experts_are_told_apart() -> None:
    """Real passes: same result either way, and a silent fall back is no grouped path."""
    ran = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "support" / "both_paths.py")],
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "UNSLOTH_COMPILE_DISABLE": "1", "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert {name: each["path"] for name, each in found.items()} == {
        "grouped": "grouped",
        "loop": "loop",
        "fell back": None,
        "declined": "loop",
    }
    assert found["loop"]["why"].endswith("UNSLOTH_GPTOSS_GROUPED=0")
    assert found["declined"]["why"].endswith("experts of two dtypes")
    assert found["grouped"]["norms"] == pytest.approx(found["loop"]["norms"], rel=2e-3)
    assert found["fell back"]["norms"] == found["loop"]["norms"], "the loop, without a word"


@pytest.mark.parametrize(
    ("method", "value"), [("unsloth-qlora", None), ("unsloth-qlora-expert-loop", "0")]
)
def test_no_variable_of_the_users_is_left(
    method: str, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The method decides; what else would change the experts' path is removed, logging is not."""
    monkeypatch.setenv(VARIABLE, "1")
    monkeypatch.setenv("UNSLOTH_MOE_BACKEND", "native_torch")
    monkeypatch.setenv("UNSLOTH_GPT_OSS_BNB4BIT_DISABLE", "1")
    monkeypatch.setenv("UNSLOTH_ENABLE_LOGGING", "1")
    choose(methods.load(method))
    assert os.environ.get(VARIABLE) == value
    assert "UNSLOTH_MOE_BACKEND" not in os.environ
    assert "UNSLOTH_GPT_OSS_BNB4BIT_DISABLE" not in os.environ
    assert os.environ["UNSLOTH_ENABLE_LOGGING"] == "1"
    monkeypatch.delenv(VARIABLE, raising=False)
