"""Every value that a method's file, a model's family or a loop may have is run, and reported.

One that is allowed, runs, and then stops a report is found here, not by whoever adds it.
"""

import subprocess
import sys
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from suite.catalog import families, parameters, tier
from suite.catalog import method as methods
from suite.catalog import model as models
from suite.catalog import profile as profiles
from suite.catalog.architecture import Experts
from suite.catalog.case import Case
from suite.catalog.loops import Loop
from suite.catalog.method import Adapter, Method, Optimizer, Quantization
from suite.catalog.model import Model
from suite.catalog.optimizers import OPTIMIZERS
from suite.catalog.targets import PLACES
from suite.errors import EXIT_CASES
from suite.estimate import storage
from suite.paths import ROOT
from suite.results.storage import run_folder
from suite.run import planning
from suite.worker import engines, loops

#: What no processor runs, by the method that asks for it, and what its record says.
NOT_ON_A_CPU = {
    "grouped": "torch has no grouped products for this device",
    "sft-transformers": "which need a GPU",
}

#: Values that a registry finds, by struct and field; of other fields the type lists them.
REGISTERED: dict[type, dict[str, Iterable[str]]] = {
    Method: {"engine": engines.names()},
    Adapter: {"targets": PLACES},
    Optimizer: {"name": OPTIMIZERS},
    Model: {"family": families.names()},
    Case: {"loop": loops.names()},
}


def varied(base: str, name: str, **changes: object) -> Method:
    """Return a method of the catalog with other values, those of its parts by their own names."""
    method = methods.load(base)
    adapter, optimizer = method.adapter, method.optimizer
    if (targets := changes.pop("targets", None)) is not None:
        assert adapter is not None
        adapter = msgspec.structs.replace(adapter, targets=targets)
    if (kind := changes.pop("optimizer", None)) is not None:
        optimizer = msgspec.structs.replace(optimizer, name=kind)
    return msgspec.structs.replace(
        method, name=name, reference=None, adapter=adapter, optimizer=optimizer, **changes
    )


def mixture() -> Model:
    """Return the tiny Qwen3 with experts in place of its dense network."""
    dense = models.load("tiny-qwen3")
    experts = Experts(count=4, active=2, intermediate_size=64)
    shapes = msgspec.structs.replace(dense.architecture, intermediate_size=None, experts=experts)
    made = msgspec.structs.replace(
        dense, name="tiny-qwen3-moe", family="qwen3-moe", architecture=shapes
    )
    return msgspec.structs.replace(made, parameters=parameters.total_parameters(made))


def every_case() -> Iterator[Case]:
    """Yield few cases that hold each value at least once."""
    smoke = tier.load("smoke")
    dense, gpt_oss, mixed = models.load("tiny-qwen3"), models.load("tiny-gpt-oss"), mixture()
    experts, paged = "unsloth-qlora-experts", {"optimizer": "paged_adamw_32bit"}
    apart = {"targets": "attention", "attention": "eager", "gradient_checkpointing": "none"}
    wanted: list[tuple[Model, Method, Loop]] = [
        (dense, varied("lora", "apart", optimizer="adamw_torch", **apart), "bare"),
        (dense, varied("qlora", "paged", optimizer="paged_adamw_8bit"), "trainer"),
        (models.load("tiny-llama"), varied("lora", "adam8", optimizer="adamw_8bit"), "trainer"),
        (dense, varied("lora", "sft-transformers"), "sft"),
        (mixed, varied("lora", "experts", targets="experts", **paged), "trainer"),
        (gpt_oss, varied(experts, "loop", experts="loop"), "sft"),
        (gpt_oss, varied(experts, "grouped", experts="grouped"), "sft"),
    ]
    for model, method, loop in wanted:
        yield Case(
            case_id=f"{model.name}-{method.name}",
            model=model,
            method=method,
            loop=loop,
            workload=msgspec.structs.replace(
                smoke.workload, sequence_tokens=64, batch_sequences=2
            ),
            seed=planning.SEED,
            steady_steps=3,
            warmup=smoke.warmup,
            timeouts=smoke.timeouts,
        )


def allowed(kind: type) -> dict[str, set[str]]:
    """Return the values of a struct's fields that have a list of them, by field."""
    hints = typing.get_type_hints(kind)
    listed = {
        name: set(typing.get_args(hint))
        for name, hint in hints.items()
        if typing.get_origin(hint) is typing.Literal
    }
    return listed | {name: set(found) for name, found in REGISTERED.get(kind, {}).items()}


def test_every_value_runs_and_is_reported(tmp_path: Path) -> None:
    """Trained for real; what no processor runs says so, and has its page too."""
    cases = tuple(every_case())
    parts = {
        Method: [case.method for case in cases],
        Adapter: [case.method.adapter for case in cases],
        Optimizer: [case.method.optimizer for case in cases],
        Quantization: [case.method.quantization for case in cases],
        Model: [case.model for case in cases],
        Case: cases,
    }
    for kind, values in parts.items():
        for field, wanted in allowed(kind).items():
            tried = {getattr(value, field) for value in values if value is not None}
            assert tried == wanted, f"{kind.__name__}.{field}"

    plan = planning.make(profiles.load("cpu"), tier="smoke")
    folder, site = tmp_path / "run", tmp_path / "site"
    with run_folder.create(folder, msgspec.structs.replace(plan, cases=cases)):
        pass
    run("run", "--resume", str(folder), codes=(EXIT_CASES,))
    records = {record.method: record for record in run_folder.read([folder]).records}
    assert {name: record.reason for name, record in records.items() if record.outcome != "ok"} == {
        name: records[name].reason for name in NOT_ON_A_CPU
    }
    for name in ("paged", "adam8", "experts"):  # bitsandbytes'; a CPU pages nothing
        ledger, told = records[name].ledger, (records[name].case.model, records[name].case.method)
        assert ledger is not None
        state = storage.optimizer_bytes(*told) + storage.paged_bytes(*told)
        assert ledger.optimizer_state_bytes == state, name
    for name, why in NOT_ON_A_CPU.items():
        assert why in (records[name].reason or "")
    run("report", str(folder), "--out", str(site))
    run("export", str(folder), "--format", "markdown", "--out", str(tmp_path / "tables.md"))
    for record in records.values():
        assert (site / "records" / f"{record.record_id}.html").is_file()


def run(*arguments: str, codes: tuple[int, ...] = (0,)) -> None:
    """Run a command line of ours; its exit code is one of ``codes``."""
    done = subprocess.run(
        [sys.executable, "-m", "suite", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in codes, done.stdout + done.stderr
