"""Small real records for tests: made from the catalog, valid, with numbers that vary by step."""

import msgspec

from suite.catalog import case as cases
from suite.catalog import tier as tiers
from suite.catalog.case import Case
from suite.catalog.loops import Loop
from suite.results.record import (
    Check,
    Container,
    Environment,
    Outcome,
    Record,
    Runner,
    Steadiness,
    Telemetry,
    seal,
)
from suite.results.storage.run_folder import Plan
from suite.wire import Effective, Failure, Ledger, Memory, Phase, PhaseName, Step, Versions

RUN_ID = "20261124T070000Z-0123abcd"


def case(model: str = "tiny-qwen3", method: str = "lora", loop: Loop = "trainer") -> Case:
    (found,) = cases.cases(
        tiers.load("smoke"), loop=loop, seed=17, model_names=[model], method_names=[method]
    )
    return found


def plan(
    *,
    run_id: str = RUN_ID,
    models: tuple[str, ...] = ("tiny-qwen3",),
    methods: tuple[str, ...] = ("lora", "qlora"),
    launches: int = 1,
    profile: str = "cpu",
    runner: Runner = "local",
) -> Plan:
    found = cases.cases(
        tiers.load("smoke"), loop="trainer", seed=17, model_names=models, method_names=methods
    )
    return Plan(
        run_id=run_id,
        created_at="2026-11-24T07:00:00Z",
        suite_version="0.1.0",
        profile=profile,
        tier="smoke",
        launches=launches,
        loop="trainer",
        seed=17,
        weights="dummy",
        runner=runner,
        cases=tuple(found),
        argv=("run", "--profile", "cpu"),
    )


def steps(
    seconds: float = 0.1, *, count: int = 10, loss: float = 6.2, role: str = "steady"
) -> tuple[Step, ...]:
    """First, six of warm-up, then ``count`` steady ones around ``seconds``; losses fall."""
    roles = ["first", *["warmup"] * 6, *[role] * count]
    return tuple(
        Step(
            index=index,
            role=kind,
            seconds=seconds * (20 if kind == "first" else 1 + 0.01 * (index % 3)),
            tokens_padded=512,
            tokens_real=480 - index,
            tokens_loss=476 - index,
            loss=loss - 0.01 * index,
            gradient_norm=1.5,
            data_seconds=seconds * 0.01,
        )
        for index, kind in enumerate(roles)
    )


def moved_steps(seconds: float = 0.1, *, times: float = 1.1) -> tuple[Step, ...]:
    """Steps whose second half is slower by a factor: such a launch has not settled."""
    made = steps(seconds)
    late = len(made) - 5
    return tuple(
        msgspec.structs.replace(step, seconds=step.seconds * (times if step.index >= late else 1))
        for step in made
    )


def telemetry(**changes: object) -> Telemetry:
    """100 W at the power cap for 30 s, sampled twice a second; the steps last 1 s each from 1 s.

    With ``steps()`` the steady ones fill seconds 8 to 18.
    """
    times = tuple(0.5 * index for index in range(61))
    values: dict[str, object] = {
        "period_seconds": 0.5,
        "elapsed_seconds": times,
        "power_watts": (100.0,) * 61,
        "sm_clock_mhz": (1500,) * 61,
        "memory_clock_mhz": (2000,) * 61,
        "temperature_celsius": (50,) * 61,
        "throttle_reasons": (0x4,) * 61,
        "device_memory_bytes": (9 << 30,) * 61,
        "process_memory_bytes": (8 << 30,) * 61,
        "energy_joules": tuple(100.0 * time for time in times),
        "step_elapsed_seconds": tuple((1.0 + index, 2.0 + index) for index in range(17)),
    }
    return Telemetry(**{**values, **changes})  # type: ignore[arg-type]  # a test's own keywords


def ledger(**changes: object) -> Ledger:
    """A GPU's ledger that explains all but 10 MiB of 990 MiB allocated and 1,000 MiB reserved."""
    values: dict[str, object] = {
        "frozen_weights_bytes": {"uint8": 400 << 20, "bfloat16": 200 << 20},
        "trained_weights_bytes": 30 << 20,
        "quantization_state_bytes": 20 << 20,
        "buffers_bytes": 1 << 20,
        "gradients_bytes": 30 << 20,
        "optimizer_state_bytes": 60 << 20,
        "paged_optimizer_state_bytes": 0,
        "activations_bytes": 239 << 20,
        "residual_bytes": 10 << 20,
        "fragmentation_bytes": 10 << 20,
    }
    return Ledger(**{**values, **changes})  # type: ignore[arg-type]  # a test's own keywords


def on_gpu(**changes: object) -> Record:
    """A finished case on a GPU, with its telemetry and a ledger that adds up to 1,500 MiB."""
    memory = Memory(
        allocated_peak_bytes=990 << 20,
        reserved_peak_bytes=1000 << 20,
        nvml_process_peak_bytes=1500 << 20,
        host_rss_peak_bytes=900 << 20,
    )
    values: dict[str, object] = {
        "phases": (
            Phase(name="first_step", seconds=1.0, memory=memory),
            Phase(name="steady", seconds=16.0, memory=memory),
        ),
        "telemetry": telemetry(),
        "ledger": ledger(),
    }
    return record(**{**values, **changes})  # type: ignore[arg-type]  # a test's own keywords


def effective(**changes: object) -> Effective:
    values: dict[str, object] = {
        "trainable_parameters": 147_456,
        "total_parameters": 1_066_368,
        "quantized_parameters": 0,
        "adapter_modules": 28,
        "adapter_targets": ("down_proj", "q_proj"),
        "parameter_bytes": {"bfloat16": 1_837_824, "float32": 589_824},
        "trainable_dtypes": ("float32",),
        "attention": "sdpa",
        "autocast": "bfloat16",
        "gradient_checkpointing": "standard",
        "loss_kernel": "transformers",
        "optimizer_class": "torch.optim.adamw.AdamW",
        "trainer_class": "transformers.trainer.Trainer",
        "packing": "none",
        "device": "cpu",
    }
    return Effective(**{**values, **changes})  # type: ignore[arg-type]  # a test's own keywords


def environment() -> Environment:
    return Environment(
        python="3.11.9",
        platform="Linux-6.1-x86_64",
        cpu="A CPU",
        cpu_count=2,
        memory_bytes=24 << 30,
        suite_version="0.1.0",
        runner="local",
        versions=Versions(
            python="3.11.9", packages={"torch": "2.13.0", "peft": "0.21.2"}, cpu_threads=2
        ),
        unavailable={"gpu": "no NVIDIA driver"},
    )


def container(**changes: object) -> Container:
    values: dict[str, object] = {
        "image": "tunebench/cpu:0123456789ab",
        "image_id": "sha256:" + "a" * 64,
        "base": "python:3.12-slim",
        "base_digest": "sha256:" + "b" * 64,
        "lock_hash": "0123456789ab" + "c" * 52,
        "lock_is_current": True,
        "engine_version": "28.2.2",
        "runtime": "runc",
    }
    return msgspec.convert({**values, **changes}, Container)


def record(
    model: str = "tiny-qwen3",
    method: str = "lora",
    *,
    launch: int = 1,
    run_id: str = RUN_ID,
    seconds: float = 0.1,
    loss: float = 6.2,
    profile: str = "cpu",
    **changes: object,
) -> Record:
    """A finished case; ``changes`` replace fields of the record."""
    wanted = case(model, method)
    memory = Memory(
        host_rss_peak_bytes=900 << 20, unavailable={"allocated_peak_bytes": "runs on the CPU"}
    )
    names: tuple[PhaseName, ...] = ("import", "load", "prepare", "first_step", "steady", "finish")
    values: dict[str, object] = {
        "run_id": run_id,
        "case_id": wanted.case_id,
        "model": model,
        "method": method,
        "engine": wanted.method.engine,
        "profile": profile,
        "launch": launch,
        "outcome": "ok",
        "phase": None,
        "reason": "",
        "started_at": f"2026-11-24T07:0{launch}:00Z",
        "ended_at": f"2026-11-24T07:0{launch}:30Z",
        "case": wanted,
        "work_key": cases.work_key(wanted),
        "weights": "dummy seed 17",
        "phases": tuple(Phase(name=name, seconds=1.5, memory=memory) for name in names),
        "steps": steps(seconds, loss=loss),
        "environment": environment(),
        "steadiness": Steadiness(reached=True, rule="two windows of 3 agree", warmup_steps=6),
        "effective": effective(),
        "checks": (Check(name="trainable parameters", status="ok", detail="147,456 as expected"),),
        "exit_code": 0,
        "harness_seconds": 0.4,
        "wall_seconds": 9.4,
        "output_tail": ("a last line",),
    }
    return seal(Record(**{**values, **changes}))  # type: ignore[arg-type]  # a test's own keywords


def failed(
    model: str = "tiny-qwen3",
    method: str = "lora",
    *,
    outcome: Outcome = "oom",
    reason: str = "out of memory while loading",
    phase: PhaseName = "load",
    **changes: object,
) -> Record:
    """A case that ended without steady steps."""
    failure = (
        Failure(kind=outcome, phase=phase, message=reason)
        if outcome in ("oom", "unsupported", "error", "invalid")
        else None
    )
    ended: dict[str, object] = {
        "outcome": outcome,
        "phase": phase,
        "reason": reason,
        "steps": (),
        "phases": (Phase(name="import", seconds=1.5),),
        "steadiness": None,
        "effective": None,
        "checks": (),
        "failure": failure,
    }
    return record(model, method, **{**ended, **changes})  # type: ignore[arg-type]  # as above
