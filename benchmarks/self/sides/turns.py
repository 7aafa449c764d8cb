"""Two launches that train on one device in turns of a few steps, and what the machine did then.

While one computes, the other waits, so that heat, clocks and neighbours meet both alike. Where
steps differ all the same, the figures of each turn tell where to look: a GPU that waits draws less
power at a higher clock, a host that is slow burns processor seconds or is kept from them.
"""

import math
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from suite.results.fidelity import Fidelity, FidelityFile
from suite.results.storage.folder import open_folder
from suite.results.storage.reader import FIDELITY
from suite.results.telemetry.long_steps import LongSteps, scatter
from suite.results.telemetry.window import mean_within
from suite.run import utc
from suite.run.case.session import Session, Span
from suite.run.case.telemetry import Sampler
from suite.run.machine.nvml import Device
from suite.wire import Step, StepRole

PairT = TypeVar("PairT")

WARMUP, TURN, TURNS = 13, 5, 6  #: steps, steps, turns of each side


class TurnTaker(Protocol):
    """One launch, which has warmed up and waits for its turn."""

    @property
    def process_id(self) -> int:
        """Return the process that trains."""

    def turn(self) -> None:
        """Let it take a turn, and wait until that is over."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine did in one turn; None where it does not tell.

    Mean ``power_watts`` and ``sm_clock_mhz`` of the GPU; seconds that the side's threads computed
    (``processor_seconds``), and that they could have but had no processor (``queued_seconds``);
    ``stolen_seconds`` that a virtual machine's processors were kept from it, all together.
    """

    seconds: float
    power_watts: float | None = None
    sm_clock_mhz: float | None = None
    processor_seconds: float | None = None
    queued_seconds: float | None = None
    stolen_seconds: float | None = None


class Suite(Session):
    """The suite's worker, granted a turn of steady steps at a time."""

    @property
    def process_id(self) -> int:
        """Return the worker's."""
        return self.process.pid

    def warm_up(self) -> None:
        """Take as many steps as the bare script does before the first turn."""
        granted: tuple[tuple[StepRole, int], ...] = (("first", 1), ("warmup", WARMUP - 1))
        for role, steps in granted:
            self._grant(steps, role)
            for _ in range(steps):
                self._take()

    def turn(self) -> None:
        """Take a turn; ``steps`` and ``step_spans`` have what came of it."""
        self._grant(TURN, "steady")
        for _ in range(TURN):
            self._take()

    def turn_steps(self) -> list[Step]:
        """Return the steps of all turns."""
        return [step for step in self.steps if step.role == "steady"]


def alternate(
    sides: Sequence[TurnTaker], gpu: Device | None, *, first: int, watch: int | None = None
) -> tuple[list[Turn], ...]:
    """Let two sides take their turns ABBA, side ``first`` (0 or 1) at the start.

    ``watch`` is the process whose memory a run would follow.
    """
    sampler = None if gpu is None else Sampler(gpu)
    spans: tuple[list[Span], ...] = ([], [])
    hosts: tuple[list[Turn], ...] = ([], [])
    if sampler is not None:
        sampler.start()
        if watch is not None:
            sampler.watch(watch)
    try:
        for turn in range(TURNS):
            for at in (first, 1 - first) if turn % 2 == 0 else (1 - first, first):
                span, host = _taken(sides[at])
                spans[at].append(span)
                hosts[at].append(host)
    finally:
        if sampler is not None:
            sampler.stop()
    if sampler is None:
        return hosts
    return tuple(_with_gpu(sampler, *side) for side in zip(spans, hosts, strict=True))


def _taken(side: TurnTaker) -> tuple[Span, Turn]:
    before, stolen, began = _scheduled(side.process_id), _stolen(), time.monotonic()
    side.turn()
    ended, after = time.monotonic(), _scheduled(side.process_id)
    stolen = _stolen() - stolen
    processor, queued = (
        None if sooner is None or later is None else later - sooner
        for sooner, later in zip(before, after, strict=True)
    )
    return Span(began=began, ended=ended), Turn(
        seconds=ended - began,
        processor_seconds=processor,
        queued_seconds=queued,
        stolen_seconds=stolen,
    )


def _with_gpu(sampler: Sampler, spans: Sequence[Span], hosts: Sequence[Turn]) -> list[Turn]:
    seen = sampler.telemetry(spans)
    return [
        msgspec.structs.replace(
            host,
            power_watts=mean_within(seen.elapsed_seconds, seen.power_watts, span),
            sm_clock_mhz=mean_within(seen.elapsed_seconds, seen.sm_clock_mhz, span),
        )
        for host, span in zip(hosts, seen.step_elapsed_seconds, strict=True)
    ]


def _scheduled(process: int) -> tuple[float, float] | tuple[None, None]:
    """Return the seconds that a process' threads have run, and waited to run."""
    run = waited = 0
    try:
        for path in Path(f"/proc/{process}/task").glob("*/schedstat"):
            words = path.read_text(encoding="ascii").split()
            run, waited = run + int(words[0]), waited + int(words[1])
    except OSError:
        return None, None
    return (run / 1e9, waited / 1e9) if run else (None, None)


def _stolen() -> float:
    words = Path("/proc/stat").read_text(encoding="ascii").split(maxsplit=9)
    return int(words[8]) / 100  # the kernel's ticks, a hundred a second for everyone


def said(name: str, turns: Sequence[Turn]) -> str:
    """Return the means of one side's turns in a line, per step where they are seconds."""
    words = []
    for field, unit in (("sm_clock_mhz", "MHz"), ("power_watts", "W")):
        if known := [value for turn in turns if (value := getattr(turn, field)) is not None]:
            words.append(f"{statistics.mean(known):,.0f} {unit}")
    for field in ("processor", "queued", "stolen"):
        values = [getattr(turn, f"{field}_seconds") for turn in turns]
        if known := [value for value in values if value is not None]:
            words.append(f"{statistics.mean(known) / TURN * 1000:,.1f} ms {field}")
    return f"  {name}: {', '.join(words)} a step"


def differences(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, tuple[float, ...]]:
    """Return how much longer we take than they do: the geometric mean over pairs, and each."""
    logarithms = [math.log(a / b) for a, b in zip(ours, theirs, strict=True)]
    return math.expm1(statistics.mean(logarithms)), tuple(map(math.expm1, logarithms))


def longer(turns: Sequence[Turn]) -> LongSteps | None:
    """Return what the GPU did in the extra time of longer turns, per step of them."""
    known = [turn for turn in turns if turn.power_watts is not None]
    seconds = [turn.seconds / TURN for turn in known]
    joules = [(turn.power_watts or 0) * turn.seconds / TURN for turn in known]
    return scatter(seconds, joules, [turn.sm_clock_mhz for turn in known])


def publish(out: Path, profile: str, figures: Sequence[Fidelity]) -> Path:
    """Put figures into ``fidelity.json`` of a folder, beside those of other comparisons there."""
    path = out / FIDELITY
    older: tuple[Fidelity, ...] = ()
    if path.is_file():
        older = msgspec.json.decode(path.read_bytes(), type=FidelityFile).figures
    new = {(each.case_id, each.against, each.turn_steps) for each in figures}
    kept = [each for each in older if (each.case_id, each.against, each.turn_steps) not in new]
    document = FidelityFile(at=utc.iso(utc.now()), profile=profile, figures=(*kept, *figures))
    with open_folder(out) as folder:
        folder.write(
            FIDELITY, msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
        )
    return path


def read(path: Path, kind: type[PairT]) -> list[PairT]:
    """Return the pairs of a journal, none where there is none yet."""
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return [msgspec.json.decode(line, type=kind) for line in lines]


def keep(path: Path, pair: object) -> None:
    """Add a pair to a journal."""
    with open_folder(path.parent) as folder:
        folder.append(path.name, msgspec.json.encode(pair) + b"\n")
