"""Whole cases in real worker processes: both engines, every loop that a CPU has."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from suite.catalog.case import Case
from suite.catalog.parameters import expected_trainable
from suite.estimate import storage
from suite.results.validity.checks import check
from suite.wire import PhaseDone
from support.many_cases import Trained, train
from support.worker_driver import ROOT, Worker, case, losses

PHASES = ["import", "load", "prepare", "first_step", "steady"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worker") / "cache"


@pytest.fixture(scope="module")
def plain(cache: Path) -> list[float | None]:
    """The losses that every way to do the same work must have."""
    return losses(case("tiny-qwen3", "lora"), cache)


def test_a_case_from_start_to_end(cache: Path) -> None:
    """Phases in order, steps only when granted, effective settings from the running model."""
    with Worker(case("tiny-qwen3", "lora"), cache) as worker:
        running = worker.ready()
        assert running is not None
        first = worker.steps(1)
        worker.until(lambda frame: isinstance(frame, PhaseDone))
        with pytest.raises(TimeoutError):  # nothing runs that was not granted
            worker.connection.receive(0.5)
        later = worker.steps(4)
        assert worker.finish() == 0
        assert worker.process.stdout is not None
        assert worker.process.stdout.read() == b""
    arguments = running.arguments
    assert arguments["trainer.learning_rate"] == 2e-4
    assert arguments["trainer.adam_beta2"] == 0.999, "a default, named by nobody"
    assert arguments["trainer.gradient_checkpointing_kwargs.use_reentrant"] is False
    assert arguments["adapter.r"] == 16
    assert not any(str(cache.parent) in str(value) for value in arguments.values())
    assert list(worker.phases) == PHASES
    for done in worker.phases.values():
        memory = done.phase.memory
        assert memory.allocated_peak_bytes is None
        assert "host" in memory.unavailable["allocated_peak_bytes"]
        assert (memory.host_rss_peak_bytes or 0) > 10 << 20
    steady = worker.phases["steady"].phase
    assert sum(step.seconds for step in later) <= steady.seconds

    steps = first + later
    assert [step.index for step in steps] == [0, 1, 2, 3, 4]
    assert {(step.tokens_padded, step.tokens_real, step.tokens_loss) for step in steps} == {
        (512, 512, 508)
    }
    assert all(step.row_tokens == (128,) * 4 for step in steps)
    assert all(step.gradient_norm and step.data_seconds is not None for step in steps)
    assert all(step.minor_faults is not None for step in steps)
    values = [step.loss or 0.0 for step in steps]
    assert 6.0 < values[0] < 6.5  # near ln 512: nothing learned yet
    assert values[-1] < values[0]

    assert len(worker.hosts) == 2
    for host in worker.hosts:
        assert host is not None
        assert (host.python_operations_per_second or 0) > 1e5
        assert (host.memory_bytes_per_second or 0) > 1e8
        assert host.kernel_launches_per_second is host.pinned_bytes_per_second is None
        assert host.unavailable["pinned_bytes_per_second"] == "no GPU in use"

    assert running.trainable_parameters == 155_648
    assert running.total_parameters == 918_912 + 155_648
    assert (running.adapter_modules, len(running.adapter_targets)) == (28, 7)
    assert (running.attention, running.autocast) == ("sdpa", "bfloat16")
    assert running.optimizer_class == "torch.optim.adamw.AdamW (fused)"
    assert running.trainer_class == "transformers.trainer.Trainer"
    assert running.trainable_dtypes == ("float32",)


@pytest.mark.parametrize(
    ("method", "loop"),
    [("lora", "bare"), ("unsloth-lora-norecompute", "trainer"), ("unsloth-lora", "sft")],
)
def test_the_same_work_gives_the_same_losses(
    method: str, loop: str, plain: list[float | None], cache: Path
) -> None:
    """Loop and engine change how the work is done, not what comes out of it."""
    assert losses(case("tiny-qwen3", method, loop), cache) == pytest.approx(plain, rel=1e-4)


#: LoRA, and methods that differ from it or QLoRA by a setting of adapters or optimizer.
VARIANTS = (
    *("qlora-paper", "lora-8bit-adam", "lora-attention", "lora-r64", "rslora", "dora"),
    *("lora-norecompute", "lora"),
)


@pytest.fixture(scope="module")
def variants(cache: Path) -> dict[str, tuple[Case, Trained]]:
    """Each of them, trained for three steps."""
    small = {"sequence_tokens": 64, "batch_sequences": 2}
    cases = [case("tiny-qwen3", method, **small) for method in VARIANTS]
    return dict(zip(VARIANTS, zip(cases, train(cases, cache, 3), strict=True), strict=True))


@pytest.mark.parametrize("method", VARIANTS)
def test_a_variant_does_what_its_file_says(
    method: str, variants: dict[str, tuple[Case, Trained]]
) -> None:
    """Counts, scaling, dropout, DoRA, optimizer, clipping: all read from what trained."""
    asked, trained = variants[method]
    found = check(asked, trained.effective, trained.steps)
    assert {one.name: one.detail for one in found if one.status != "ok"} == {}
    state = storage.optimizer_bytes(asked.model, asked.method)
    state += storage.paged_bytes(asked.model, asked.method)  # a CPU pages nothing
    assert trained.ledger.optimizer_state_bytes == state


def test_variants_train_as_they_should_beside_lora(
    variants: dict[str, tuple[Case, Trained]],
) -> None:
    """What is recomputed changes no loss; each other setting does, and a larger scaling most."""
    seen = {name: [step.loss or 0.0 for step in it.steps] for name, (_, it) in variants.items()}
    plain = seen.pop("lora")
    assert seen["lora-norecompute"] == pytest.approx(plain, rel=1e-6)
    assert seen["lora-8bit-adam"] == pytest.approx(plain, rel=1e-3)
    assert seen["dora"] == pytest.approx(plain, rel=5e-3)
    assert len({tuple(each) for each in seen.values()}) == len(seen)
    assert seen["rslora"][2] < seen["lora-r64"][2]


def test_four_bits_in_both_engines(cache: Path) -> None:
    """QLoRA starts from the same codes and trains the same in both engines."""
    plain = losses(case("tiny-qwen3", "qlora"), cache)
    assert losses(case("tiny-qwen3", "unsloth-qlora"), cache) == pytest.approx(plain, rel=1e-4)


def test_the_experts_of_gpt_oss_in_unsloth(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every expert is in 4 bits on the CPU too, and the model trains.

    Which path experts take is read from the running model: on the CPU Unsloth runs the loop
    whether or not it was asked to; the reasons differ. A user's own variable for the grouped path
    changes nothing.
    """
    monkeypatch.setenv("UNSLOTH_GPTOSS_GROUPED", "1")
    seen: dict[str, tuple[object, list[float | None]]] = {}
    for method in ("unsloth-qlora", "unsloth-qlora-expert-loop"):
        with Worker(case("tiny-gpt-oss", method), cache) as worker:
            announced = worker.ready()
            assert announced is not None, worker.log.read_text()[-2000:]
            assert announced.quantized_parameters == 491_520
            assert announced.others["inductor_cache_of_case"], "Unsloth moves it when imported"
            assert announced.adapter_targets == ("k_proj", "o_proj", "q_proj", "v_proj")
            assert "experts_path" not in announced.others, "no pass has shown it yet"
            trained = [step.loss for step in worker.steps(1) + worker.steps(2)]
            assert None not in trained
            assert worker.finish() == 0
        running = worker.running
        assert running is not None
        assert running.others["experts_path"] == "loop"
        forward = running.others["experts_forward"]
        assert forward == "unsloth_zoo.temporary_patches.gpt_oss.torch_native_forward"
        seen[method] = running.others["experts_path_seen_by"], trained
    default, loop = seen.values()
    assert default[0] == (
        "no layer is ready for the grouped path: torch has no grouped products for this device"
    )
    assert loop[0] == "no layer is ready for the grouped path: UNSLOTH_GPTOSS_GROUPED=0"
    assert default[1] == loop[1]


def test_transformers_own_experts_say_their_implementation(cache: Path) -> None:
    """Where no engine has replaced them, the model's configuration is what runs."""
    with Worker(case("tiny-gpt-oss", "lora", "bare"), cache) as worker:
        assert worker.ready() is not None, worker.log.read_text()[-2000:]
        worker.steps(1)
        assert worker.finish() == 0
    assert worker.running is not None
    assert worker.running.others["experts_path"] == "grouped"
    seen_by = worker.running.others["experts_path_seen_by"]
    assert seen_by == "transformers' experts implementation grouped_mm"


@pytest.mark.parametrize("method", ["lora", "unsloth-qlora-experts"])
def test_adapters_on_experts(method: str, cache: Path) -> None:
    """Experts get adapters whether they are one fused parameter or matrices of their own."""
    asked = case("tiny-gpt-oss", method)
    assert asked.method.adapter is not None
    adapter = msgspec.structs.replace(asked.method.adapter, targets="experts")
    changed = msgspec.structs.replace(asked.method, adapter=adapter)
    asked = msgspec.structs.replace(asked, method=changed)
    with Worker(asked, cache) as worker:
        running = worker.ready()
        assert running is not None, worker.log.read_text()[-2000:]
        assert running.trainable_parameters == expected_trainable(asked.model, changed)
        [step] = worker.steps(1)
        assert step.gradient_norm
        assert worker.finish() == 0


@pytest.mark.parametrize("packing", ["packed", "padding-free"])
def test_documents_do_not_see_each_other(packing: str, cache: Path) -> None:
    """Flattened rows have the loss of the same documents one by one, whatever their neighbours."""
    work = {"data": "real-length", "sequence_tokens": 1024}
    if packing == "packed":  # the first packed row holds the first documents
        flat = case("tiny-qwen3", "lora", batch_sequences=1, packing="packed", **work)
        with Worker(flat, cache) as worker:
            assert worker.ready()
            [step] = worker.steps(1)
            assert worker.finish() == 0
        documents = len(step.row_tokens)
        assert documents > 1
        same = case("tiny-qwen3", "lora", batch_sequences=documents, **work)
        assert [step.loss] == pytest.approx(losses(same, cache, count=1), rel=1e-4)
    else:
        apart = case("tiny-qwen3", "lora", batch_sequences=4, **work)
        alone = losses(apart, cache, count=1)
        flat = case("tiny-qwen3", "lora", batch_sequences=4, packing="padding-free", **work)
        assert losses(flat, cache, count=1) == pytest.approx(alone, rel=1e-4)


def test_accumulated_batches_are_one_step(cache: Path) -> None:
    """Two halves of a batch give the mean over all loss tokens, not a mean of means."""
    work = {"data": "real-length", "sequence_tokens": 256}
    whole = losses(case("tiny-qwen3", "lora", batch_sequences=4, **work), cache, count=3)
    halves = case("tiny-qwen3", "lora", batch_sequences=2, gradient_accumulation=2, **work)
    assert losses(halves, cache, count=3) == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize(
    ("method", "loop", "workload", "reason"),
    [
        ("lora", "sft", {}, "Triton kernels only"),
        ("lora-liger", "trainer", {}, "Liger"),
        ("unsloth-lora", "sft", {"data": "real-length", "packing": "packed"}, "into none"),
        ("unsloth-lora", "bare", {"data": "real-length", "packing": "packed"}, "need --loop sft"),
    ],
)
def test_what_cannot_run_here_says_so(
    method: str, loop: str, workload: dict[str, str], reason: str, cache: Path
) -> None:
    """A case that would be other work than asked, or none, is unsupported, not wrong."""
    with Worker(case("tiny-qwen3", method, loop, **workload), cache) as worker:
        assert worker.ready() is None
        assert worker.failure is not None
        assert worker.failure.kind == "unsupported"
        assert reason in worker.failure.message
        assert worker.process.wait(30) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_no_memory_for_a_step(cache: Path) -> None:
    """A step that cannot have its memory ends as oom, with what was asked and the peak."""
    # So many tokens that the first norm cannot have its 17 MB: oneDNN, which comes next, does not
    # say that memory is what it lacks.
    asked = case("tiny-qwen3", "lora", sequence_tokens=2048, batch_sequences=32)
    with Worker(asked, cache) as worker:
        assert worker.ready()
        status = Path(f"/proc/{worker.process.pid}/status").read_text()
        [size] = [int(line.split()[1]) for line in status.splitlines() if "VmSize" in line]
        limit = size * 1024 + (16 << 20)
        resource.prlimit(worker.process.pid, resource.RLIMIT_AS, (limit, limit))
        assert worker.steps(1) == []
        said = worker.failure
        assert said is not None, worker.log.read_text()[-2000:]
        assert (said.kind, said.phase, said.step) == ("oom", "first_step", 0), said.message
        assert (said.requested_bytes or 0) > 1 << 20
        assert (said.peak_bytes or 0) > 100 << 20
        assert worker.process.wait(30) == 0
    assert "Traceback" in worker.log.read_text()


def test_a_broken_checkpoint_is_an_error_with_its_traceback(cache: Path, tmp_path: Path) -> None:
    """What a library raises becomes the message, and its traceback goes where output goes."""
    broken = tmp_path / "weights"
    broken.mkdir()
    (broken / "config.json").write_text("{")
    with Worker(case("tiny-qwen3", "lora"), cache, weights=str(broken)) as worker:
        assert worker.ready() is None
        assert worker.failure is not None
        assert (worker.failure.kind, worker.failure.phase) == ("error", "load")
        assert worker.process.wait(30) == 0
    assert "Traceback" in worker.log.read_text()


def test_a_worker_does_not_outlive_its_session(cache: Path) -> None:
    """In the middle of a step the closed socket ends it, children and all."""
    big = case("tiny-qwen3", "lora", sequence_tokens=2048, batch_sequences=8)
    with Worker(big, cache) as worker:
        assert worker.ready()
        worker.connection.send(worker.go(50))
        worker.until(lambda frame: type(frame).__name__ == "PhaseBegun")
        worker.connection.close()
        assert worker.process.wait(10) == 1


@pytest.mark.parametrize("sent", [b"rubbish\n", b'{"type":"stop"}\n', b'{"type":"sta', b""])
def test_a_session_that_makes_no_sense(sent: bytes) -> None:
    """A worker that is not told what to do ends at once, without a traceback."""
    mine, its = socket.socketpair()
    command = [sys.executable, "-m", "suite.worker", str(its.fileno())]
    process = subprocess.Popen(
        command, pass_fds=[its.fileno()], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    its.close()
    mine.sendall(sent)
    mine.shutdown(socket.SHUT_WR)
    _, errors = process.communicate(timeout=30)
    mine.close()
    assert process.returncode in (1, 2)
    assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal is Linux's")
def test_a_killed_session_takes_its_worker_along(cache: Path, tmp_path: Path) -> None:
    """kill -9 of the parent leaves no worker, even one that another process keeps a socket of."""
    script = (
        "import socket, subprocess, sys, time\n"
        "mine, its = socket.socketpair()\n"
        "worker = subprocess.Popen([sys.executable, '-m', 'suite.worker', str(its.fileno())],"
        " pass_fds=[its.fileno(), mine.fileno()])\n"
        "print(worker.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    # NumPy's threads would look like the watch that is waited for below.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script]
    parent = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    deadline = time.monotonic() + 20
    while len(list(Path(f"/proc/{worker}/task").iterdir())) < 2:  # its watch is set up
        assert time.monotonic() < deadline
        time.sleep(0.01)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}/exe").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    alive = Path(f"/proc/{worker}/exe").exists()
    if alive:
        os.kill(worker, signal.SIGKILL)
    assert not alive
