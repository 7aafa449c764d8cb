"""Cases that no library here can run are known before any worker starts."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from suite.catalog import case as cases
from suite.catalog import profile as profiles
from suite.catalog import tier as tiers
from suite.catalog.case import Case, unsupported_reason
from suite.cli import main


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


@pytest.mark.parametrize(
    ("capability", "phrase"),
    [
        ("7.5", "compute capability 7.5 has no bfloat16"),
        ("7.0", "compute capability 7.0"),
        ("8.0", None),
        ("12.0", None),
        (None, None),
    ],
)
def test_no_method_runs_on_a_card_without_bfloat16(
    capability: str | None,
    phrase: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Turing and older emulate it: fit, plan and run say unsupported, and not that it fits."""
    folder = tmp_path / "hardware_profiles"
    shutil.copytree(profiles.FOLDER, folder)
    told = "" if capability is None else f'compute_capability = "{capability}"'
    text = (folder / "l40s.toml").read_text().replace('compute_capability = "8.9"', told)
    (folder / "l40s.toml").write_text(_without_rate(text))
    monkeypatch.setattr(profiles, "FOLDER", folder)
    reason = unsupported_reason(case("qwen3-8b", "lora"), profiles.load("l40s"))
    assert (reason is None) if phrase is None else (phrase in str(reason))
    fit = ["fit", "--model", "qwen3-8b", "--method", "lora", "--gpu", "l40s", "--format", "json"]
    assert main(fit) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert (phrase or "") in answer["unsupported"]
    assert bool(answer["unsupported"]) == bool(phrase)
    assert main(["plan", "--model", "qwen3-8b", "--tokens", "1M", "--gpus", "l40s"]) == 0
    assert ("unsupported" in capsys.readouterr().out) == bool(phrase)
    assert main(["run", "--profile", "l40s", "--runner", "local", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert ("to run" in shown) == (phrase is None)
    assert (phrase or "") in shown


@pytest.mark.parametrize(
    ("method", "changes", "phrase"),
    [
        ("lora", {"dropout": 0.1}, "no dropout for adapters on experts"),
        ("lora", {"use_dora": True}, "no DoRA for adapters on experts"),
        ("lora", {"use_rslora": True}, None),
        ("unsloth-qlora-experts", {"dropout": 0.1}, None),
    ],
)
def test_fused_experts_take_plain_adapters_only(
    method: str, changes: dict[str, object], phrase: str | None
) -> None:
    """PEFT raises for them; where Unsloth makes each expert a linear layer they work."""
    made = case("gpt-oss-20b", method)
    assert made.method.adapter is not None
    adapter = msgspec.structs.replace(made.method.adapter, targets="experts", **changes)
    changed = msgspec.structs.replace(made.method, adapter=adapter)
    reason = unsupported_reason(msgspec.structs.replace(made, method=changed))
    assert (reason is None) if phrase is None else (phrase in str(reason))


def test_unsloth_on_a_cpu_has_one_optimizer() -> None:
    """It would run another in silence; with a GPU it runs what is asked."""
    made = case("qwen3-8b", "unsloth-lora")
    optimizer = msgspec.structs.replace(made.method.optimizer, name="adamw_8bit")
    method = msgspec.structs.replace(made.method, optimizer=optimizer)
    eight = msgspec.structs.replace(made, method=method)
    assert "in place of adamw_8bit" in str(unsupported_reason(eight, profiles.load("cpu")))
    assert unsupported_reason(eight, profiles.load("h100-sxm")) is None
    assert unsupported_reason(made, profiles.load("cpu")) is None


def _without_rate(text: str) -> str:
    """Return a profile without its table of bfloat16."""
    before, _, after = text.partition("[facts.bf16_flops]")
    return before + "[" + after.partition("\n[")[2]
