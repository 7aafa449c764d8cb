"""The record: one case, one launch, everything needed to judge it. One versioned schema.

History of ``SCHEMA``, oldest first. A change of meaning bumps the number; ``store`` keeps a reader
for every older one, and ``schema/record-vN.json`` is the JSON Schema of each.

1   First version.
2   ``compile_cache`` (kernels had been kept for all runs together, and nobody knows what was warm
    in records of 1); ``Probe``: copies between host and device; ``Step.collector_seconds``;
    ``Ledger``: ``workspaces_bytes`` and ``other_tensors_bytes``, before in the residual;
    ``Environment.container``. All of them are null in records of 1. ``compiled_files`` came
    later, and is null in the first records of 2.
3   ``steadiness`` is null: whether steps had settled is judged when a record is read
    (``suite.results.validity.settled``), and no note says it any more. ``Step.minor_faults``;
    ``Probe.host`` and ``host_after``; ``step_elapsed_seconds``. All of them are null or empty in
    older records. ``origin`` came later, and only ``publish --by`` writes one.
4   ``group``, and ``Workload.parallel``: a case on several GPUs. Both are null on one, and in
    older records. With several ranks, tokens and ``row_tokens`` of a step are those of all, its
    loss is their mean, and seconds, phases and telemetry are the first rank's; ``group`` has each.
    ``Failure.rank``. A record of one GPU means what it did in 3.
    ``Effective.arguments`` and ``Versions.imported`` came later, empty in the first records of 4.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from operator import le
from typing import Annotated, Literal, get_args

import msgspec

from suite import units
from suite.catalog.bounds import (
    MOST,
    Column,
    Count,
    Float,
    Joules,
    Launch,
    Moment,
    Seconds,
    StepSeconds,
    Watts,
    Whole,
)
from suite.catalog.case import Case
from suite.catalog.names import CaseId, Name
from suite.catalog.profile import Profile
from suite.results.lazy import resolve
from suite.wire import (
    Effective,
    Failure,
    Ledger,
    Phase,
    PhaseName,
    Probe,
    Step,
    Struct,
    Versions,
)
from suite.wire.ranks import Interconnect, RankDone, RankReady

SCHEMA = 4
#: Since this one a record of one GPU means the same.
ALIKE_SINCE = 3

Outcome = Literal["ok", "oom", "unsupported", "timeout", "error", "killed", "skipped", "invalid"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)

#: Whether an earlier launch had left the case's compiled kernels when it began.
CompileCache = Literal["cold", "warm"]
Runner = Literal["local", "docker"]

#: No control character, and nothing that hides letters or turns their direction.
_LETTER = r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]"
#: One line without spaces around it. Python's ``$`` also matches before a line's end at the end.
_LINE = rf"^(?!\s){_LETTER}*(?<!\s)$(?!\n)"
LONGEST_NAME = 60
LONGEST_MACHINE = 200


class Check(Struct, frozen=True, kw_only=True):
    """One truth check. ``status`` "unknown" says in ``detail`` why it could not be made."""

    name: str
    status: Literal["ok", "failed", "unknown"]
    detail: str


class Steadiness(Struct, frozen=True, kw_only=True):
    """How warm-up ended, in records before schema 3: by the rule (``reached``) or at its cap."""

    reached: bool
    rule: str
    warmup_steps: Count


class Gpu(Struct, frozen=True, kw_only=True):
    """The GPU as NVML and the driver report it; null is unknown."""

    name: str
    uuid_hash: str
    driver: str
    memory_total_bytes: Count | None = None
    power_limit_watts: Watts | None = None
    power_limit_default_watts: Watts | None = None
    sm_clock_max_mhz: Count | None = None
    memory_clock_max_mhz: Count | None = None
    ecc: bool | None = None
    mig: bool | None = None
    persistence: bool | None = None
    pcie_generation: Count | None = None
    pcie_width: Count | None = None
    vbios: str | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """One look at the machine before the first case; see ``suite.run.machine.preflight``."""

    name: str
    status: Literal["ok", "warn", "block", "unknown"]
    detail: str

    @property
    def text(self) -> str:
        """Return it on one line, as a record's notes have a warning."""
        return f"{self.name}: {self.detail}"


class Container(Struct, frozen=True, kw_only=True):
    """The container that a launch ran in, and its image; null is unknown.

    ``image`` is the reference that was asked for, ``image_id`` and ``digest`` what it was then;
    ``base`` and ``base_digest`` what it was made from. ``lock_hash`` is of the lock of packages
    inside, ``lock_is_current`` whether the repository had that very lock. ``engine_version`` is
    Docker's, or "Podman" and its own. ``same_gpu`` says whether card and driver inside are those
    that the host sees; null on the CPU, and where the host was not asked.
    """

    image: str
    image_id: str
    digest: str | None = None
    base: str | None = None
    base_digest: str | None = None
    lock_hash: str | None = None
    lock_is_current: bool | None = None
    engine_version: str | None = None
    runtime: str | None = None
    same_gpu: bool | None = None


class Origin(Struct, frozen=True, kw_only=True):
    """Who measured and gave a result that is not the project's own.

    ``name`` is a name or a handle, ``machine`` what they say of their machine; each is one line.
    """

    name: Annotated[str, msgspec.Meta(pattern=_LINE, min_length=1, max_length=LONGEST_NAME)]
    machine: (
        Annotated[str, msgspec.Meta(pattern=_LINE, min_length=1, max_length=LONGEST_MACHINE)]
        | None
    ) = None


class Environment(Struct, frozen=True, kw_only=True):
    """The machine and software around the run; facts read from the machine. No host name.

    ``lock_hash`` is of the repository's lock of training packages, ``revision`` the git commit of
    the suite, ``dirty`` whether the work tree differed from it.
    """

    python: str
    platform: str
    cpu: str
    cpu_count: Count
    memory_bytes: Count
    suite_version: str
    runner: Runner
    revision: str | None = None
    dirty: bool | None = None
    lock_hash: str | None = None
    gpu: Gpu | None = None
    versions: Versions | None = None
    probe: Probe | None = None
    container: Container | None = None  #: null where there was none
    preflight: tuple[Finding, ...] = ()
    unavailable: dict[str, str] = {}


class Telemetry(Struct, frozen=True, kw_only=True, dict=True):
    """NVML samples taken by the parent; columns of equal length, one value per sample.

    ``elapsed_seconds`` counts from the start of the case. ``energy_joules`` is the GPU's total
    energy counter less its value at the first sample. ``step_elapsed_seconds`` holds, per step,
    when it began and ended on the same clock. A null value is unavailable, with the reason.
    """

    period_seconds: Seconds
    elapsed_seconds: Column[Moment]
    power_watts: Column[Watts | None]
    sm_clock_mhz: Column[Count | None]
    memory_clock_mhz: Column[Count | None]
    temperature_celsius: Column[Whole | None]
    throttle_reasons: Column[Count | None]
    device_memory_bytes: Column[Count | None]
    process_memory_bytes: Column[Count | None]
    energy_joules: Column[Joules | None]
    step_elapsed_seconds: Column[tuple[Moment, Moment]] = ()
    foreign_processes: Count = 0
    unavailable: dict[str, str] = {}

    @cached_property
    def fault(self) -> str:
        """Return why nothing may be computed from these samples of a stranger's record, or ""."""
        times = self.elapsed_seconds
        columns: tuple[Sequence[float | None], ...] = (
            self.power_watts,
            self.sm_clock_mhz,
            self.memory_clock_mhz,
            self.temperature_celsius,
            self.throttle_reasons,
            self.device_memory_bytes,
            self.process_memory_bytes,
            self.energy_joules,
        )
        if any(len(column) != len(times) for column in columns):
            return "the columns of telemetry differ in length"
        if any(map(le, islice(times, 1, None), times)):
            return "the samples of telemetry are out of order"
        for column in (times, *columns):
            # Most columns know every value: then nothing is copied, of thousands of records.
            known = [v for v in column if v is not None] if None in column else column
            # Whole numbers of any size are valid JSON and would overflow a mean.
            if known and max(max(known), -min(known)) > MOST:  # type: ignore[type-var,operator]
                return "telemetry has impossible values"
        return ""


class GpuLink(Struct, frozen=True, kw_only=True):
    """What joins two GPUs of a group, by their numbers in it: the shortest path that NVML knows.

    ``nvlink`` also through NVSwitch; the others say what a transfer over PCIe has to cross.
    """

    first: Count
    second: Count
    path: Literal[
        "nvlink", "pcie-switch", "pcie-switches", "host-bridge", "numa-node", "between-numa-nodes"
    ]


class Topology(Struct, frozen=True, kw_only=True):
    """How a group's GPUs are joined. ``nvlinks``: active links of each; null is unknown."""

    links: tuple[GpuLink, ...] = ()
    nvlinks: tuple[Count | None, ...] = ()
    numa_nodes: tuple[Count | None, ...] = ()
    unavailable: dict[str, str] = {}


class RankStep(Struct, frozen=True, kw_only=True):
    """One step as one rank saw it: its own rows, its own clock."""

    seconds: StepSeconds
    tokens_real: Count
    loss: Float | None = None
    gradient_norm: Float | None = None


class Rank(Struct, frozen=True, kw_only=True):
    """One process of several that trained together, as it reported itself.

    ``ready`` is null of a rank that did not get there, ``done`` of one that broke off before its
    end.
    """

    rank: Count
    phases: Column[Phase] = ()
    steps: Column[RankStep] = ()
    ready: RankReady | None = None
    done: RankDone | None = None
    ledger: Ledger | None = None


class Group(Struct, frozen=True, kw_only=True):
    """Several GPUs, or processes on the CPU, that trained one case together.

    ``gpus`` are in the order of the ranks; empty on the CPU. ``telemetry`` is of those after the
    first, whose samples the record itself has. ``interconnect`` and ``topology`` are null where
    nobody got as far as to ask, or there is nothing to ask.
    """

    world_size: Count
    ranks: Column[Rank] = ()
    gpus: Column[Gpu] = ()
    telemetry: Column[Telemetry] = ()
    interconnect: Interconnect | None = None
    topology: Topology | None = None


class Record(Struct, frozen=True, kw_only=True, dict=True):
    """One case in one launch. ``record_id`` is a digest of all the rest.

    ``steps`` holds every step in order with its role. ``harness_seconds`` is the wall clock of the
    case outside the worker's own phases. ``reason`` is one line; empty when ``outcome`` is "ok".
    ``case`` and ``hardware`` are the request and the profile as they were: editing a catalog file
    later changes no old record. ``step_elapsed_seconds`` holds, per step, when it began and ended,
    in seconds since the case began; on a GPU telemetry holds it.
    """

    schema: Count = SCHEMA
    record_id: str = ""
    run_id: Name
    case_id: CaseId
    model: Name
    method: Name
    engine: str
    profile: Name
    launch: Launch
    outcome: Outcome
    phase: PhaseName | None
    reason: str
    started_at: str
    ended_at: str
    case: Case
    hardware: Profile | None = None
    work_key: str
    weights: str
    phases: Column[Phase]
    steps: Column[Step]
    environment: Environment
    steadiness: Steadiness | None = None
    effective: Effective | None = None
    checks: tuple[Check, ...] = ()
    failure: Failure | None = None
    exit_code: Whole | None = None  #: the worker's; negative is a signal
    compile_cache: CompileCache | None = None  #: null where no worker was started
    #: How many files the launch added to them; a warm one that compiles nothing adds none.
    compiled_files: Count | None = None
    harness_seconds: Seconds | None = None
    wall_seconds: Seconds | None = None
    telemetry: Telemetry | None = None
    step_elapsed_seconds: Column[tuple[Moment, Moment]] = ()
    ledger: Ledger | None = None
    output_tail: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  #: warnings worth a reader's eye
    origin: Origin | None = None  #: null for the project's own results
    group: Group | None = None  #: null on one GPU

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """Return the GPUs that trained the case; none on a CPU."""
        if self.group is not None:
            return self.group.gpus
        return () if self.environment.gpu is None else (self.environment.gpu,)

    @property
    def step_spans(self) -> tuple[tuple[float, float], ...]:
        """Return when each step began and ended, on telemetry's clock; empty where unknown."""
        if self.step_elapsed_seconds or self.telemetry is None:
            return self.step_elapsed_seconds
        return self.telemetry.step_elapsed_seconds


def whose(record: Record) -> str:
    """Return ``by ada``, or an empty string for the project's own."""
    return "" if record.origin is None else f"by {units.printable(record.origin.name)}"


def encode(record: Record) -> bytes:
    """Return the record as JSON in one line, as a journal holds it, without the line's end."""
    return msgspec.json.encode(record, enc_hook=resolve)


def seal(record: Record) -> Record:
    """Return the record with its ``record_id`` filled in."""
    bare = msgspec.structs.replace(record, record_id="")
    digest = hashlib.sha256(encode(bare)).hexdigest()[:16]
    return msgspec.structs.replace(bare, record_id=digest)
