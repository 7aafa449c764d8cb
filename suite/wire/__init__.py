"""What a worker and its session say to each other, and how it travels.

One frame is one line of JSON on a private socket, never stdout: libraries print there. The
session speaks first (``Start``), then grants steps (``Go``) until it has seen enough (``Stop``);
the worker answers with the frames below. The structs that end up in a record as they are
(``Phase``, ``Step``, ``Effective``, ``Failure``) are defined here and nowhere else.
"""

import socket
import time
from typing import Annotated, Literal

import msgspec

from suite.catalog.bounds import MOST, Column, Count, Float, Rate, Seconds, StepSeconds, Whole
from suite.catalog.bounds import Positive as Tokens
from suite.catalog.case import Case
from suite.catalog.device import DeviceType, is_gpu
from suite.wire.ranks import RankDone, RankReady, Standing

__all__ = ["MOST", "Count", "Seconds", "StepSeconds", "Tokens"]

PhaseName = Literal["start", "import", "load", "prepare", "first_step", "steady", "finish"]
StepRole = Literal["first", "warmup", "steady"]

MAX_FRAME_BYTES = 16 << 20


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Immutable, unknown keys refused; checkers want ``frozen`` and ``kw_only`` said by each."""


class Memory(Struct, frozen=True, kw_only=True):
    """Peaks during one phase, in bytes; null is unknown, with the reason in ``unavailable``.

    ``allocated`` and ``reserved`` are torch's on the GPU, ``nvml_process`` is what NVML counts for
    the worker's process, ``host_rss`` is resident host memory of the worker process.
    """

    allocated_peak_bytes: Count | None = None
    reserved_peak_bytes: Count | None = None
    nvml_process_peak_bytes: Count | None = None
    host_rss_peak_bytes: Count | None = None
    unavailable: dict[str, str] = {}


class Phase(Struct, frozen=True, kw_only=True):
    """One finished phase of a worker's life. ``seconds`` is wall clock in the worker.

    ``import``: the engine and its libraries. ``load``: weights onto the device. ``prepare``:
    adapters, trainer, data. ``first_step``: the first optimizer step, compilation included.
    ``steady``: every later step, warm-up included (``Step.role`` tells them apart).
    """

    name: PhaseName
    seconds: Seconds
    memory: Memory = Memory()


class Step(Struct, frozen=True, kw_only=True):
    """One optimizer step, synchronized with the device at both ends.

    ``seconds`` covers forward, backward, clipping and update of all accumulated batches;
    ``data_seconds`` is the wait for the batch before it, not part of ``seconds``.
    ``collector_seconds`` is what Python's garbage collector took of ``seconds``: it halts a loop
    that keeps the device busy, so a step with a full collection in it is a long one (null in older
    records). ``minor_faults`` counts the page faults of the training thread that needed no disk
    (getrusage(2)); thousands a step mean that memory is mapped and given back again and again,
    which costs some 20 microseconds each (null in older records, and where nothing counts them).
    Tokens: ``padded`` counts every position computed, ``real`` those that are not padding,
    ``loss`` those that the loss is averaged over. ``loss`` is the mean over loss tokens, in nats;
    null when not finite, with ``loss_text`` saying what it was ("nan", "inf").
    """

    index: Count
    role: StepRole
    seconds: StepSeconds
    tokens_padded: Tokens
    tokens_real: Tokens
    tokens_loss: Count
    loss: Float | None = None
    loss_text: str | None = None
    gradient_norm: Float | None = None
    data_seconds: Seconds | None = None
    collector_seconds: Seconds | None = None
    minor_faults: Count | None = None
    row_tokens: Column[Count] = ()  #: real length of each sequence that attention ran over


class Ledger(Struct, frozen=True, kw_only=True):
    """Where the device's memory went in a steady step, in bytes, by storage.

    ``frozen_weights_bytes`` is by dtype name. ``gradients`` are those of the trained weights.
    ``activations`` is what a step's peak adds to what was allocated when it began, less gradients.
    ``workspaces`` are cuBLAS's, ``other_tensors`` those alive between steps that are neither
    weights nor state: the batch, what an engine keeps for itself (null in older records).
    ``residual`` is what torch had allocated at a step's beginning that no line above explains.
    ``fragmentation`` is reserved less allocated at the peak. ``paged_optimizer_state`` is CUDA
    managed memory, which torch does not count. Null where torch does not count (CPU).
    """

    frozen_weights_bytes: dict[str, Count]
    trained_weights_bytes: Count
    quantization_state_bytes: Count
    buffers_bytes: Count
    gradients_bytes: Count
    optimizer_state_bytes: Count
    paged_optimizer_state_bytes: Count
    workspaces_bytes: Count | None = None
    other_tensors_bytes: Count | None = None
    activations_bytes: Whole | None = None
    residual_bytes: Whole | None = None
    fragmentation_bytes: Whole | None = None


class Effective(Struct, frozen=True, kw_only=True):
    """Settings as the running model and trainer have them, not as the case asked for them.

    ``quantized_parameters`` and ``total_parameters`` count logical elements (a packed byte of NF4
    is two). ``adapter_targets`` are distinct module-name endings, ``adapter_modules`` how many
    modules carry an adapter. ``others`` holds what has no field of its own, by its library's name.
    ``arguments`` are all of the trainer and the adapters, defaults too (empty in older records).
    """

    trainable_parameters: Count
    total_parameters: Count
    quantized_parameters: Count
    adapter_modules: Count
    adapter_targets: tuple[str, ...]
    parameter_bytes: dict[str, Count]  #: by dtype name, e.g. {"bfloat16": ..., "uint8": ...}
    trainable_dtypes: tuple[str, ...]
    attention: str
    autocast: str | None  #: dtype name, or null when no autocast surrounds the forward pass
    gradient_checkpointing: str
    loss_kernel: str
    optimizer_class: str
    trainer_class: str
    packing: str
    device: str
    others: dict[str, str | Whole | Float | bool | None] = {}
    arguments: dict[str, str | Whole | Float | bool | None] = {}


class Versions(Struct, frozen=True, kw_only=True):
    """Software as the worker process imported it.

    ``packages``: distribution name to version, of those that training rests on. ``imported``:
    the same of all others (empty in older records).
    """

    python: str
    packages: dict[str, str]
    imported: dict[str, str] = {}
    torch_cuda: str | None = None
    device_name: str | None = None
    cpu_threads: Count | None = None


class HostProbe(Struct, frozen=True, kw_only=True):
    """How fast one thread of the host is, per second; see ``suite.worker.machine.host_probe``.

    ``kernel_launches``: of kernels that do nothing. ``python_operations``: additions in a loop of
    the interpreter. ``memory_bytes``: of one large copy, bytes read and bytes written.
    ``pinned_bytes``: host memory made page-locked, as offloading needs it. ``cpu_family``,
    ``cpu_model`` and ``cpu_stepping`` are the processor's own numbers, since a virtual machine can
    hide its name. Null is unknown, with the reason in ``unavailable``.
    """

    kernel_launches_per_second: Rate | None = None
    python_operations_per_second: Rate | None = None
    memory_bytes_per_second: Rate | None = None
    pinned_bytes_per_second: Rate | None = None
    cpu_family: Count | None = None
    cpu_model: Count | None = None
    cpu_stepping: Count | None = None
    numa_nodes: Count | None = None
    unavailable: dict[str, str] = {}


class Probe(Struct, frozen=True, kw_only=True):
    """What the device reached just before the cases ran; see ``suite.worker.machine.probe``.

    ``copy_bytes_per_second`` counts bytes read and bytes written. The two between host and device
    are from and to pinned host memory, bytes moved once; null on the CPU and in older records.
    ``host`` is measured in the case's own process before its first step, ``host_after`` after its
    last one. A case that did not get to its first step has the ``host`` of the launch, measured
    before all cases. Null in older records, ``host_after`` also of a case that did not get there.
    """

    matmul_flops_per_second: Rate
    matmul: str
    copy_bytes_per_second: Rate
    copy: str
    host_to_device_bytes_per_second: Rate | None = None
    device_to_host_bytes_per_second: Rate | None = None
    host: HostProbe | None = None
    host_after: HostProbe | None = None


class Failure(Struct, frozen=True, kw_only=True):
    """Why a worker could not go on, as itself saw it; ``rank`` where there are several."""

    kind: Literal["oom", "unsupported", "error", "invalid"]
    phase: PhaseName
    message: str
    requested_bytes: Count | None = None
    peak_bytes: Count | None = None
    step: Count | None = None
    rank: Count | None = None


# --- session to worker -------------------------------------------------------------------------


class Start(Struct, frozen=True, kw_only=True, tag="start"):
    """The first frame. ``weights`` is "dummy", "hub" or a path.

    Two writable folders: ``cache`` is shared by all runs, ``compiled`` is for what this case
    compiles.
    """

    case: Case
    device: DeviceType
    weights: str
    cache: str
    compiled: str

    @property
    def on_gpu(self) -> bool:
        """Return whether the case trains on a GPU."""
        return is_gpu(self.device)

    @property
    def sharded(self) -> bool:
        """Return whether each rank holds a part of each weight."""
        return self.case.parallel is not None and self.case.parallel.kind == "fsdp2"


class Go(Struct, frozen=True, kw_only=True, tag="go"):
    """Run this many more optimizer steps. ``role`` marks them in the record."""

    steps: Annotated[int, msgspec.Meta(ge=1)]
    role: StepRole


class Stop(Struct, frozen=True, kw_only=True, tag="stop"):
    """Enough: end the loop, send ``Finished``, exit with 0."""


class Where(Struct, frozen=True, kw_only=True, tag="where"):
    """To the process that starts the ranks: nothing was heard for too long, where are they?"""


# --- worker to session -------------------------------------------------------------------------


class PhaseBegun(Struct, frozen=True, kw_only=True, tag="phase-begun"):
    """A phase starts now; the session starts its time-out."""

    name: PhaseName


class PhaseDone(Struct, frozen=True, kw_only=True, tag="phase-done"):
    """A phase ended well."""

    phase: Phase


class StepDone(Struct, frozen=True, kw_only=True, tag="step-done"):
    """One optimizer step ended. ``began`` and ``ended`` are ``time.monotonic()`` in seconds.

    That clock is one for all processes of a machine, so the session can lay telemetry over steps.
    """

    step: Step
    began: float
    ended: float


class Ready(Struct, frozen=True, kw_only=True, tag="ready"):
    """Prepared: the worker now waits for ``Go``."""

    effective: Effective
    versions: Versions
    #: What was loaded: "dummy seed N fill M", "hub ID@COMMIT" or "path (sha256 of config)".
    weights: str
    host: HostProbe | None = None
    rank: RankReady | None = None


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """The worker cannot go on and exits with 0: it has said why."""

    failure: Failure


class Finished(Struct, frozen=True, kw_only=True, tag="finished"):
    """All done; the phases of the end are behind it.

    ``effective`` is what ``Ready`` announced, corrected by what the steps showed; ``host`` is
    how fast the host was after the last step.
    """

    ledger: Ledger | None = None
    effective: Effective | None = None
    host: HostProbe | None = None
    rank: RankDone | None = None


FromRank = PhaseBegun | PhaseDone | StepDone | Ready | Failed | Finished


class OfRank(Struct, frozen=True, kw_only=True, tag="of-rank"):
    """A frame of one rank, as the process that starts the ranks passes it on."""

    rank: Count
    frame: FromRank


class RankLeft(Struct, frozen=True, kw_only=True, tag="rank-left"):
    """A rank ended without a last word; ``exit_code`` is negative for a signal."""

    rank: Count
    exit_code: Whole


class Standings(Struct, frozen=True, kw_only=True, tag="standings"):
    """The answer to ``Where``: of every rank that could be asked."""

    ranks: tuple[Standing, ...]


ToWorker = Start | Go | Stop
ToRanks = Start | Go | Stop | Where
FromWorker = (
    PhaseBegun | PhaseDone | StepDone | Ready | Failed | Finished | OfRank | RankLeft | Standings
)


class BadFrame(Exception):
    """The other side wrote something that is not a whole, known frame."""


class Connection:
    """Frames over one end of a socket pair.

    ``receive`` blocks up to ``timeout`` seconds for a whole frame (None: for ever), returns None
    when the other side closed cleanly between frames, raises TimeoutError, and BadFrame for
    rubbish, an oversized frame, or a close in the middle of one.
    """

    def __init__(self, end: socket.socket, incoming: object) -> None:
        self._socket = end
        self._decoder: msgspec.json.Decoder[object] = msgspec.json.Decoder(incoming)
        self._buffer = bytearray()

    def send(self, frame: ToRanks | FromWorker) -> None:
        """Write one frame; raises OSError when the other side is gone."""
        self._socket.settimeout(None)
        self._socket.sendall(msgspec.json.encode(frame) + b"\n")

    def receive(self, timeout: float | None = None) -> object | None:
        """Return the next frame, or None at the end."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > MAX_FRAME_BYTES:
                raise BadFrame(f"a frame of more than {MAX_FRAME_BYTES} bytes")
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"no whole frame within {timeout} s")
            self._socket.settimeout(left)
            try:
                chunk = self._socket.recv(1 << 16)
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                if self._buffer:
                    raise BadFrame(f"half a frame: {bytes(self._buffer[:80])!r}")
                return None
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            return self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadFrame(f"not a frame: {line[:80]!r} ({error})") from error

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
