"""One case from inside: import, load, prepare, then the steps that the session grants."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from suite.catalog import families
from suite.catalog.case import Case
from suite.wire import Connection, Effective, Finished, Ready, Start
from suite.worker.data import TrainingRow, rows
from suite.worker.model import experts
from suite.worker.phases import Phases

if TYPE_CHECKING:
    from suite.worker.batches import Batch


def run_case(start: Start, connection: Connection, phases: Phases) -> None:
    """Run one case to its end and send ``Finished``; whatever goes wrong is raised."""
    prepare_environment(start)
    case = start.case
    with phases.phase("import"):
        from suite.worker.engines import open_engine

        engine = open_engine(case.method.engine)  # before anything else: see there

        import torch
        import transformers

        from suite.worker import effective
        from suite.worker.loops import open_loop
        from suite.worker.machine import host_probe
        from suite.worker.model import weights
        from suite.worker.training.step_gate import Gate

        if case.ranks > 1:
            from suite.worker.ranks import joined

        loop = open_loop(case.loop)
        # Once more: importing Unsloth removes the place of Inductor's cache, which would then be
        # one folder for all runs of this user.
        prepare_environment(start)

    between = None
    if case.ranks > 1:
        joined.join(start)
        between = joined.interconnect(start)
    with phases.phase("load"):
        torch.manual_seed(case.seed)
        checkpoint, revision = _checkpoint(start)
        model = engine.load(start, checkpoint, revision)
        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint, revision=revision)
        # A model that has no weights yet gets them in shards: suite.worker.ranks.shards.
        if start.weights == "dummy" and not next(model.parameters()).is_meta:
            weights.fill_base(model, case.seed)

    phases.begin("prepare")  # ended by the gate, at the moment the first step could begin
    model = engine.attach(model, case)
    weights.fill_adapters(model, case.seed)
    data = _rows(case)

    def ready(settings: Effective, first: Sequence["Batch"]) -> Ready:
        return Ready(
            effective=settings,
            versions=effective.versions(start.device),
            weights=_weights(start, checkpoint, model),
            host=host_probe.measure(start.device),
            rank=None if between is None else joined.ready(model, first, data, between),
        )

    def synchronize() -> None:
        if start.on_gpu:
            for device in range(torch.cuda.device_count() if split else 1):
                torch.cuda.synchronize(device if split else None)

    split = case.parallel is not None and case.parallel.kind == "split"
    gate = Gate(connection, phases, synchronize, ready)
    ledger = loop.run(model, tokenizer, data, start, gate)
    phases.current = "finish"
    connection.send(
        Finished(
            ledger=ledger,
            effective=gate.effective,
            host=host_probe.measure(start.device),
            rank=None if between is None else joined.done(model),
        )
    )


def _rows(case: Case) -> list[TrainingRow]:
    """Return as many rows as there can be steps for, those of all ranks.

    The trainer deals them out batch by batch, so N ranks take in a step what one process takes
    in N times as many accumulated batches.

    Where batches differ in shape, warm-up has the very batches of the steady steps: whatever a
    library does for a shape it has not met is over by then.
    """
    work = case.workload
    each = work.batch_sequences * work.gradient_accumulation * case.ranks
    steps = 1 + case.most_steady_steps + (0 if work.varies else case.most_warmup_steps)
    made = rows(work, case.model.architecture.vocabulary_size, case.seed, steps * each)
    return made + made[each:] if work.varies else made


def prepare_environment(start: Start) -> None:
    """Set the variables that the libraries read when they are imported, or later.

    Whatever is compiled goes below the case's own folder, so that a second launch finds it, no
    other case does, and nothing is left in the working directory.
    """
    compiled = Path(start.compiled).absolute()
    os.environ.update(
        {
            "UNSLOTH_DISABLE_STATISTICS": "1",
            "UNSLOTH_COMPILE_LOCATION": str(compiled / "unsloth"),
            # On a CPU without bfloat16 units Unsloth would silently train in another precision
            # than the case asks for and than the other engine does.
            "UNSLOTH_CPU_BF16": "1",
            "TORCHINDUCTOR_CACHE_DIR": str(compiled / "inductor"),
            "TRITON_CACHE_DIR": str(compiled / "triton"),
            "CUDA_CACHE_PATH": str(compiled / "cuda"),  # of the driver, for PTX
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
    )
    experts.choose(start.case.method)
    if not start.on_gpu:
        # Its CPU backend does not compile by default, its gpt-oss experts would: 15 seconds and a
        # C++ compiler for nothing.
        os.environ["UNSLOTH_COMPILE_DISABLE"] = "1"
    if start.weights != "hub":
        os.environ["HF_HUB_OFFLINE"] = "1"


def _checkpoint(start: Start) -> tuple[str, str | None]:
    """Return where the weights are, a folder or a hub id, and the hub revision."""
    from suite.worker.failures import Unsupported
    from suite.worker.model.checkpoints import checkpoint_folder

    case = start.case
    model, method = case.model, case.method
    if start.weights == "hub":
        if model.hub_id is None:
            raise Unsupported(f"{model.name} is not on the hub: it runs with random weights only")
        return model.hub_id, model.hub_revision
    if start.weights != "dummy":
        return start.weights, None
    split = families.of(model.family).unsloth_splits_experts
    packed = method.quantization is not None and split
    folder = checkpoint_folder(model, "nf4" if packed else "dense", Path(start.cache))
    return str(folder), None


def _weights(start: Start, checkpoint: str, model: object) -> str:
    """Say which weights were loaded, as the record wants it."""
    if start.weights == "dummy":
        from suite.worker.model.weights import FILL_VERSION

        return f"dummy seed {start.case.seed} fill {FILL_VERSION}"
    if start.weights == "hub":
        commit = getattr(getattr(model, "config", None), "_commit_hash", None)
        return f"hub {checkpoint}@{commit}"
    digest = hashlib.sha256((Path(checkpoint) / "config.json").read_bytes()).hexdigest()
    return f"path (sha256 of config {digest[:16]})"
