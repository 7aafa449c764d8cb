"""Run folders as somebody gives them, good by every strict rule, and ways to spoil them."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from suite.catalog import profile as profiles
from suite.results.publish import publish, write_noise
from suite.results.record import Environment, Finding, Origin, Record, encode, seal
from suite.results.storage import run_folder
from suite.results.storage.reader import JOURNAL
from suite.wire import Probe
from support import records

REVISION = "0123456789abcdef0123456789abcdef01234567"
ADA = Origin(name="ada", machine="a laptop on mains")


def environment(**changes: object) -> Environment:
    values: dict[str, object] = {
        "revision": REVISION,
        "dirty": False,
        "lock_hash": "c" * 64,
        "probe": Probe(
            matmul_flops_per_second=1e11, matmul="512", copy_bytes_per_second=1e10, copy="64 MiB"
        ),
        "preflight": (Finding(name="disk", status="ok", detail="70 GiB free"),),
    }
    return msgspec.structs.replace(records.environment(), **{**values, **changes})


def published(
    results: Path,
    *,
    origin: Origin | None = ADA,
    run_id: str = records.RUN_ID,
    around: Environment | None = None,
    seconds: float = 0.1,
) -> Path:
    """Publish two repeats of one case on the CPU, and return the folder."""
    plan = records.plan(run_id=run_id, methods=("lora",), launches=2)
    work = results.parent / f"run-{run_id}"
    with run_folder.create(work, plan) as run:
        for launch in (1, 2):
            made = records.record(
                launch=launch,
                run_id=run_id,
                seconds=seconds * launch,
                environment=around or environment(),
                hardware=profiles.load("cpu"),
            )
            run.append(made)
    return publish(work, results, origin=origin)


def rtx_4090(results: Path, session: Path, *, run_id: str = records.RUN_ID) -> Path:
    """File a session of another GPU as if ada had measured it on an RTX 4090."""
    profile = profiles.load("rtx-4090")
    found = run_folder.read([session])

    def on_it(record: Record) -> Record:
        around = record.environment
        assert around.gpu is not None
        memory = int(profile.facts.value("nvml_memory_bytes") or 0)
        gpu = msgspec.structs.replace(
            around.gpu, name=profile.nvml_name or "", memory_total_bytes=memory
        )
        versions = around.versions and msgspec.structs.replace(
            around.versions, device_name=profile.nvml_name
        )
        return msgspec.structs.replace(
            record,
            run_id=run_id,
            profile=profile.name,
            hardware=profile,
            environment=msgspec.structs.replace(around, gpu=gpu, versions=versions),
        )

    plan = msgspec.structs.replace(found.plans[0], run_id=run_id, profile=profile.name)
    work = results.parent / f"run-of-{profile.name}"
    with run_folder.create(work, plan) as run:
        for record in found.records:
            run.append(on_it(record))
    return publish(work, results, origin=ADA)


def rewrite(folder: Path, change: Callable[[Record], Record | None]) -> None:
    """Write the journal anew with what becomes of each record, its digest made good again."""
    changed = [change(record) for record in run_folder.read([folder]).records]
    lines = [encode(seal(record)) + b"\n" for record in changed if record is not None]
    (folder / JOURNAL).write_bytes(b"".join(lines))
    write_noise(folder.parent)


def surrounded(**changes: object) -> Callable[[Record], Record]:
    """Return a change of every record's environment."""

    def change(record: Record) -> Record:
        around = msgspec.structs.replace(record.environment, **changes)
        return msgspec.structs.replace(record, environment=around)

    return change
