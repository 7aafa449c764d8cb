"""The seeded fill through each engine's own loader: one process for each engine."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from suite.paths import ROOT

#: Loads, fills and describes every parameter of some cases, one engine in the process.
DESCRIBE = """
import hashlib, json, sys
from pathlib import Path
engine_name, cache, out, *names = sys.argv[1:]
from suite.catalog import case, tier
from suite.wire import Start
from suite.worker.run_case import prepare_environment
cases = {c.case_id: c for c in case.cases(tier.load("smoke"), loop="trainer", seed=3)}
same = {"device": "cpu", "weights": "dummy", "cache": cache, "compiled": cache}
starts = [Start(case=cases[n], **same) for n in names]
prepare_environment(starts[0])
from suite.worker.engines import open_engine
engine = open_engine(engine_name)
from bitsandbytes.functional import dequantize_4bit
from suite.worker.model.checkpoints import checkpoint_folder
from suite.worker.model.weights import canonical_name, fill_adapters, fill_base
found = {}
for start in starts:
    case = start.case
    packed = case.method.quantization is not None and case.model.family == "gpt-oss"
    folder = checkpoint_folder(case.model, "nf4" if packed else "dense", Path(cache))
    model = engine.load(start, str(folder), None)
    fill_base(model, case.seed)
    model = engine.attach(model, case)
    fill_adapters(model, case.seed)
    found[case.case_id] = described = {}
    for name, parameter in model.named_parameters():
        values = parameter.detach()
        four_bit = type(parameter).__name__ == "Params4bit"
        if four_bit:
            values = dequantize_4bit(parameter.data, parameter.quant_state)
        digest = hashlib.sha256(values.float().contiguous().numpy().tobytes()).hexdigest()
        described[canonical_name(name)] = [list(values.shape), four_bit, digest]
Path(out).write_text(json.dumps(found))
"""

CASES = {
    "transformers": ("tiny-qwen3-lora", "tiny-qwen3-qlora", "tiny-gpt-oss-lora"),
    "unsloth": (
        "tiny-qwen3-unsloth-lora",
        "tiny-qwen3-unsloth-qlora",
        "tiny-gpt-oss-unsloth-lora",
        "tiny-gpt-oss-unsloth-qlora",
    ),
}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[Any]]]:
    """Return, by case and parameter name, shape, whether 4-bit, and digest of the values."""
    folder = tmp_path_factory.mktemp("weights")
    found: dict[str, dict[str, list[Any]]] = {}
    for engine, names in CASES.items():
        out = folder / f"{engine}.json"
        command = [sys.executable, "-c", DESCRIBE, engine, str(folder / "cache"), str(out), *names]
        paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": paths},
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found |= json.loads(out.read_text())
    return found


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("tiny-qwen3-lora", "tiny-qwen3-unsloth-lora"),
        ("tiny-qwen3-qlora", "tiny-qwen3-unsloth-qlora"),
        ("tiny-gpt-oss-lora", "tiny-gpt-oss-unsloth-lora"),
    ],
)
def test_engines_start_from_the_same_bits(
    plain: str, other: str, described: dict[str, dict[str, list[Any]]]
) -> None:
    """Every base weight, dequantized one and adapter is bit-identical between the engines."""
    assert described[plain] == described[other]
    assert any("lora_A" in name for name in described[plain])
    assert any(four_bit for _, four_bit, _ in described[plain].values()) == ("qlora" in plain)


def test_unsloth_quantizes_every_expert(described: dict[str, dict[str, list[Any]]]) -> None:
    """The NF4 layout of gpt-oss arrives as one 4-bit matrix for each expert's projection."""
    found = described["tiny-gpt-oss-unsloth-qlora"]
    experts = [name for name in found if ".experts." in name and name.endswith(".weight")]
    assert len(experts) == 2 * 4 * 2
    assert all(found[name][1] for name in experts)
    assert len({found[name][2] for name in experts}) == len(experts)
