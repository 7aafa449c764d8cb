"""Watches the GPU from outside while a case runs, so that the worker is not disturbed.

One thread in the parent reads NVML at a steady pace and keeps rows; everything else happens after
the case, when the rows are laid over phases and steps. All of them use ``time.monotonic()``, which
is one clock for all processes of a machine.
"""

import collections
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from suite.results.record import Check, Telemetry
from suite.results.telemetry.throttle import slowdowns
from suite.run.case.session import Span
from suite.run.machine.gpu import GpuDevice, Reading
from suite.wire import Phase

PERIOD_SECONDS = 0.1


NOT_LISTED = "NVML lists no process under the worker's own process id"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One reading, when it was taken, and the worker's bytes in it; None when it is not listed."""

    at: float
    reading: Reading
    worker_bytes: int | None


class Sampler:
    """Reads one GPU every ``period_seconds`` between ``start`` and ``stop``."""

    def __init__(self, gpu: GpuDevice, *, period_seconds: float = PERIOD_SECONDS) -> None:
        self._gpu = gpu
        self._period = period_seconds
        self._stop = threading.Event()
        self._worker: int | None = None
        self._is_worker: dict[int, bool] = {}
        self._strangers: collections.Counter[int] = collections.Counter()
        self._samples: list[Sample] = []
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._began = time.monotonic()

    def start(self) -> None:
        """Begin; time zero of the telemetry is now."""
        self._began = time.monotonic()
        self._thread.start()

    def watch(self, worker: int) -> None:
        """Say which process is the worker; its children's memory counts as its own."""
        self._worker = worker

    def stop(self) -> None:
        """Take no more samples; the results are complete when this returns."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def telemetry(self, steps: Sequence[Span]) -> Telemetry:
        """Return all samples in columns, with the steps on the same clock."""
        readings = [sample.reading for sample in self._samples]
        counters = [reading.energy_joules for reading in readings]
        zero = next((joules for joules in counters if joules is not None), 0.0)
        return Telemetry(
            period_seconds=self._period,
            elapsed_seconds=tuple(sample.at - self._began for sample in self._samples),
            power_watts=tuple(reading.power_watts for reading in readings),
            sm_clock_mhz=tuple(reading.sm_clock_mhz for reading in readings),
            memory_clock_mhz=tuple(reading.memory_clock_mhz for reading in readings),
            temperature_celsius=tuple(reading.temperature_celsius for reading in readings),
            throttle_reasons=tuple(reading.throttle_reasons for reading in readings),
            device_memory_bytes=tuple(reading.device_memory_bytes for reading in readings),
            process_memory_bytes=tuple(sample.worker_bytes for sample in self._samples),
            energy_joules=tuple(None if joules is None else joules - zero for joules in counters),
            step_elapsed_seconds=tuple(
                (step.began - self._began, step.ended - self._began) for step in steps
            ),
            foreign_processes=self._foreign_processes(),
            unavailable=self._unavailable(),
        )

    def with_peaks(self, phases: Sequence[Phase], spans: Sequence[Span]) -> tuple[Phase, ...]:
        """Return the phases with the highest sampled memory of the worker in each."""
        return tuple(
            with_nvml_peak(phase, *self._peak(span))
            for phase, span in zip(phases, spans, strict=True)
        )

    def _run(self) -> None:
        due = self._began
        while True:
            at = time.monotonic()
            reading = self._gpu.read()
            worker_bytes = self._worker_bytes(reading)
            self._samples.append(Sample(at=at, reading=reading, worker_bytes=worker_bytes))
            due = max(due + self._period, time.monotonic())
            if self._stop.wait(due - time.monotonic()):
                return

    def _worker_bytes(self, reading: Reading) -> int | None:
        total: int | None = None
        for process, used in (reading.processes or {}).items():
            if not self._belongs(process):
                self._strangers[process] += 1
            elif used is not None:
                total = (total or 0) + used
        return total

    def _belongs(self, process: int) -> bool:
        if self._worker is None:
            return False
        if process not in self._is_worker:
            self._is_worker[process] = descends(process, self._worker)
        return self._is_worker[process]

    def _peak(self, span: Span) -> tuple[int | None, str]:
        inside = [sample for sample in self._samples if span.began <= sample.at <= span.ended]
        known = [sample.worker_bytes for sample in inside if sample.worker_bytes is not None]
        if known:
            return max(known), ""
        if not inside:
            return None, f"shorter than the {self._period:g} s between samples"
        return None, inside[-1].reading.unavailable.get("process_memory_bytes", NOT_LISTED)

    def _foreign_processes(self) -> int:
        # Under another PID namespace every process looks foreign, the worker too. And a process
        # seen once may be an earlier worker's child on its way out.
        if NOT_LISTED in self._unavailable().values():
            return 0
        return sum(seen > 1 for seen in self._strangers.values())

    def _unavailable(self) -> dict[str, str]:
        reasons: dict[str, str] = {}
        for sample in self._samples:
            reasons.update(sample.reading.unavailable)
        if all(sample.worker_bytes is None for sample in self._samples):
            reasons.setdefault("process_memory_bytes", NOT_LISTED)
            reasons["foreign_processes"] = reasons["process_memory_bytes"]
        return reasons


def with_nvml_peak(phase: Phase, peak_bytes: int | None, reason: str) -> Phase:
    """Return the phase with NVML's peak filled in, or with the reason why it is unknown."""
    reasons = {**phase.memory.unavailable}
    reasons.pop("nvml_process_peak_bytes", None)
    if peak_bytes is None:
        reasons["nvml_process_peak_bytes"] = reason
    memory = msgspec.structs.replace(
        phase.memory, nvml_process_peak_bytes=peak_bytes, unavailable=reasons
    )
    return msgspec.structs.replace(phase, memory=memory)


def checks(telemetry: Telemetry) -> tuple[Check, ...]:
    """Return whether the GPU was this worker's alone, and not slowed down in any step."""
    return (_alone(telemetry), _full_speed(telemetry))


def failed_elsewhere(others: Sequence[Telemetry]) -> Iterator[Check]:
    """Yield the failed checks of the GPUs after the first, with their numbers."""
    for number, seen in enumerate(others, 1):
        for one in checks(seen):
            if one.status == "failed":
                yield msgspec.structs.replace(one, name=f"{one.name} ({number})")


def _alone(telemetry: Telemetry) -> Check:
    name = "alone on the GPU"
    if reason := telemetry.unavailable.get("foreign_processes"):
        return Check(name=name, status="unknown", detail=reason)
    count = telemetry.foreign_processes
    if count:
        detail = f"{count} other process{'' if count == 1 else 'es'} computed on this GPU"
        return Check(name=name, status="failed", detail=detail)
    return Check(name=name, status="ok", detail="no other process computed on it")


def _full_speed(telemetry: Telemetry) -> Check:
    name = "not slowed down"
    spans = telemetry.step_elapsed_seconds
    during = [
        reasons
        for at, reasons in zip(telemetry.elapsed_seconds, telemetry.throttle_reasons, strict=True)
        if reasons is not None and any(began <= at <= ended for began, ended in spans)
    ]
    if not during:
        detail = telemetry.unavailable.get("throttle_reasons", "no sample fell into a step")
        return Check(name=name, status="unknown", detail=detail)
    slowed = [slowdowns(reasons) for reasons in during]
    words = sorted({word for found in slowed for word in found})
    if words:
        share = f"{sum(bool(found) for found in slowed)} of {len(during)} samples"
        return Check(name=name, status="failed", detail=f"{', '.join(words)} in {share}")
    return Check(name=name, status="ok", detail=f"{len(during)} samples in steps")


def descends(process: int, ancestor: int) -> bool:
    """Return whether a process is this one or comes from it, itself a session leader."""
    while process > 1:
        if process == ancestor:
            return True
        try:
            if os.getsid(process) == ancestor:
                return True
            stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return False
        # The name in parentheses may hold spaces; state and parent follow it.
        process = int(stat.rpartition(")")[2].split()[1])
    return False
