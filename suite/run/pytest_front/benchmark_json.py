"""pytest-benchmark's JSON of a launch: its own format, and what it would leave out.

It drops cases that failed and writes the host's name; here every planned case is listed with its
outcome, and the machine is described as records describe it.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from suite.errors import WrongMachine
from suite.results.record import Environment
from suite.run.launch import Launch


def machine_info(environment: Environment) -> dict[str, Any]:
    """Return the machine under pytest-benchmark's keys, without the host's name."""
    return {
        "python_version": environment.python,
        "system": environment.platform,
        "cpu": {"brand_raw": environment.cpu, "count": environment.cpu_count},
        "memory_bytes": environment.memory_bytes,
        "gpu": msgspec.to_builtins(environment.gpu),
    }


def commit_info(environment: Environment) -> dict[str, Any]:
    """Return the suite's revision under pytest-benchmark's keys."""
    return {
        "id": environment.revision or "unversioned",
        "dirty": environment.dirty,
        "project": "tunebench",
    }


def outcomes(launch: Launch) -> dict[str, Any]:
    """Return the plan and how each of its cases ended in this launch."""
    plan = launch.run.plan
    found = {record.case_id: record for record in launch.records}
    cases: list[dict[str, Any]] = []
    for case in plan.cases:
        record = found.get(case.case_id)
        if record is None:
            cases.append({"case_id": case.case_id, "outcome": None, "reason": "not run yet"})
            continue
        kept = ("case_id", "outcome", "phase", "reason", "record_id")
        cases.append({name: getattr(record, name) for name in kept})
    return {
        "schema": plan.schema,
        "profile": plan.profile,
        "launch": launch.number,
        "plan": msgspec.to_builtins(plan),
        "cases": cases,
    }


def write(config: Any, launch: Launch, benchmarks: Sequence[Any]) -> None:
    """Write the launch's file anew, through pytest-benchmark's own hooks.

    After every case, so that a kill loses the one in flight and no more. Raises WrongMachine when
    the disk does not take it.
    """
    environment = launch.setting().environment
    output = config.hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=benchmarks,
        include_data=True,
        machine_info=machine_info(environment),
        commit_info=commit_info(environment),
    )
    config.hook.pytest_benchmark_update_json(
        config=config, benchmarks=benchmarks, output_json=output
    )
    text = json.dumps(output, default=_number, allow_nan=False, indent=1)
    try:
        launch.run.place.write(launch.benchmark_json.name, text.encode())
    except OSError as error:
        raise WrongMachine(
            f"{launch.benchmark_json}: cannot be written: {error.strerror}",
            hint="Free space and --resume.",
        ) from error


def _number(value: object) -> float:
    # pytest-benchmark keeps durations among its options as decimals.
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"not for JSON: {value!r}")
