"""One case measured: a session, its telemetry and the record they fold into."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import msgspec

from suite import units
from suite.catalog.case import Case, unsupported_reason, work_key
from suite.catalog.profile import Profile
from suite.errors import WrongMachine
from suite.paths import ROOT
from suite.results.record import (
    Check,
    CompileCache,
    Environment,
    Group,
    Outcome,
    Record,
    Telemetry,
    Topology,
)
from suite.results.validity import checks_of_ranks
from suite.results.validity.checks import check, possible
from suite.run import utc, variables
from suite.run.case import compile_cache, telemetry
from suite.run.case.outcome import Ended, one_line
from suite.run.case.session import RANKS, WORKER, Session
from suite.run.case.telemetry import Sampler
from suite.run.machine.gpu import GpuDevice
from suite.run.progress.reporter import Reporter
from suite.wire import Phase, Start, Step


class MeasurementSetting(msgspec.Struct, frozen=True, kw_only=True):
    """What all cases of one launch share. ``gpu`` is None on the CPU.

    ``others`` are the GPUs beside it that cases on several need, ``topology`` what joins them.

    ``folder`` is the run's, ``cache`` what all runs share; both are writable.
    """

    run_id: str
    folder: Path
    profile: Profile
    launch: int
    weights: str
    cache: Path
    environment: Environment
    gpu: GpuDevice | None = None
    others: tuple[GpuDevice, ...] = ()
    topology: Topology | None = None
    command: tuple[str, ...] = WORKER

    def gpus(self, case: Case) -> tuple[GpuDevice, ...]:
        """Return the GPUs that a case trains on; none on the CPU."""
        first = () if self.gpu is None else (self.gpu,)
        return (*first, *self.others)[: case.gpus]


class CaseFailed(Exception):
    """The case has its record, and its outcome is not "ok"."""

    def __init__(self, record: Record) -> None:
        where = f" in {record.phase}" if record.phase else ""
        super().__init__(f"{record.outcome}{where}: {record.reason}")
        self.record = record


class Measurement:
    """Runs one case and keeps its record: ``warm_up``, ``step`` as often as wanted, ``finish``.

    Each of them raises CaseFailed once the case has its record and cannot go on. ``keep`` gets
    the one record, as soon as it is known. ``close`` leaves nothing running and keeps nothing: a
    case that was interrupted has no record. ``ran``: an earlier launch of the case went well.
    """

    def __init__(
        self,
        case: Case,
        setting: MeasurementSetting,
        reporter: Reporter,
        keep: Callable[[Record], Record],
        *,
        ran: bool = False,
    ) -> None:
        self.case = case
        self.record: Record | None = None
        self._ran = ran
        self._compile_cache: CompileCache | None = None
        self._compiled: Path | None = None
        self._compiled_before: frozenset[str] = frozenset()
        self._busy_neighbours = 0
        self._setting = setting
        self._reporter = reporter
        self._keep = keep
        self._session: Session | None = None
        self._samplers = tuple(Sampler(gpu) for gpu in setting.gpus(case))
        self._began = time.monotonic()
        self._started_at = utc.iso(utc.now())

    def refuse_unsupported(self) -> Record | None:
        """Return the record of a case that no library can run; None when it can be tried."""
        reason = unsupported_reason(self.case, self._setting.profile)
        return None if reason is None else self._conclude("unsupported", reason)

    def warm_up(self) -> None:
        """Start the worker, take the first step and warm up by the case's rule."""
        with self._until_ended():
            session = self._start()
            session.prepare()
            session.warm_up()

    @property
    def steady_steps(self) -> int:
        """Return how many steady steps there are; known once the case has warmed up."""
        return self._running().steady_steps

    def step(self) -> Step:
        """Return the next steady step."""
        with self._until_ended():
            return self._running().step()

    def finish(self) -> Record:
        """Take the steady steps that are left, let the worker end, and return the record."""
        with self._until_ended():
            session = self._running()
            while session.steady_steps_left:
                session.step()
            self._look_at_neighbours()  # before the worker's last word, which may take a while
            session.finish()
        record = self._conclude("ok", "")
        if record.outcome != "ok":
            raise CaseFailed(record)
        return record

    def abandon(self, outcome: Outcome, reason: str) -> Record:
        """Return the record of a case that the caller does not go on with."""
        return self._conclude(outcome, one_line(reason))

    def close(self) -> None:
        """End the worker and the telemetry, if they run."""
        try:
            if self._session is not None:
                self._session.close()
        finally:
            for sampler in self._samplers:
                sampler.stop()

    def _start(self) -> Session:
        setting = self._setting
        folder = setting.cache / "work"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WrongMachine(
                f"cache folder {setting.cache}: cannot be written: {error.strerror}",
                hint="Set TUNEBENCH_CACHE to a folder with space.",
            ) from error
        kernels, self._compile_cache = compile_cache.prepare(
            setting.folder, self.case.case_id, setting.cache, ran=self._ran
        )
        self._compiled, self._compiled_before = kernels, compile_cache.files(kernels)
        self._look_at_neighbours()
        for sampler in self._samplers:
            sampler.start()
        start = Start(
            case=self.case,
            device=setting.profile.device,
            weights=setting.weights,
            cache=str(setting.cache),
            compiled=str(kernels.absolute()),
        )
        try:
            self._session = Session(
                start,
                reporter=self._reporter,
                folder=folder,
                environment=worker_environment(
                    variables.with_home(os.environ, setting.cache), setting.gpus(self.case)
                ),
                command=self._command(),
            )
        except OSError as error:
            raise Ended("error", "start", f"the worker could not be started: {error}") from error
        for sampler in self._samplers:
            sampler.watch(self._session.process.pid)
        return self._session

    def _command(self) -> tuple[str, ...]:
        several = self.case.ranks > 1 and self._setting.command == WORKER
        return RANKS if several else self._setting.command

    def _look_at_neighbours(self) -> None:
        """Note how many other GPUs of this machine compute: they share what the host has."""
        ours = self._setting.gpus(self.case)
        found = ours[0].neighbours() if ours else None
        if found is not None:
            # Those of this very case count among them while it runs.
            busy = found[1] - (len(ours) - 1 if self._session is not None else 0)
            self._busy_neighbours = max(self._busy_neighbours, busy)

    def _running(self) -> Session:
        if self._session is None or self.record is not None:
            raise RuntimeError("warm_up() comes first, and nothing after the record")
        return self._session

    @contextmanager
    def _until_ended(self) -> Iterator[None]:
        try:
            yield
        except Ended as ended:
            raise CaseFailed(self._conclude(ended.outcome, ended.reason, ended)) from None

    def _conclude(self, outcome: Outcome, reason: str, ended: Ended | None = None) -> Record:
        """End everything, fold what was heard into the record, keep it, tell the reporter."""
        self.close()
        wall_seconds = time.monotonic() - self._began
        seen = self._telemetry()
        checks: tuple[Check, ...] = ()
        if outcome == "ok":
            checks = self._checks(seen)
            failed = [one for one in checks if one.status == "failed"]
            if failed:
                outcome = "invalid"
                reason = one_line("; ".join(f"{one.name}: {one.detail}" for one in failed))
        setting, case = self._setting, self.case
        record = Record(
            run_id=setting.run_id,
            case_id=case.case_id,
            model=case.model.name,
            method=case.method.name,
            engine=case.method.engine,
            profile=setting.profile.name,
            launch=setting.launch,
            outcome=outcome,
            phase=ended.phase if ended is not None else None,
            reason=reason,
            started_at=self._started_at,
            ended_at=utc.iso(utc.now()),
            case=case,
            hardware=setting.profile,
            work_key=work_key(case),
            weights=setting.weights,
            phases=(),
            steps=(),
            environment=setting.environment,
            checks=checks,
            compile_cache=self._compile_cache,
            compiled_files=self._newly_compiled(),
            failure=ended.failure if ended is not None else None,
            telemetry=seen,
        )
        if self._session is not None:
            record = self._with_heard(record, self._session, wall_seconds)
        # In a thread of its own: a Ctrl-C must not leave half a line in the journal.
        with ThreadPoolExecutor(max_workers=1) as writer:
            self.record = writer.submit(self._keep, record).result()
        self._reporter.case_ended(self.record)
        return self.record

    def _with_heard(self, record: Record, session: Session, wall_seconds: float) -> Record:
        """Return the record with everything that the worker and its process told."""
        if session.ready is not None:
            record = msgspec.structs.replace(
                record,
                weights=session.ready.weights,
                effective=session.ready.effective,
                environment=_as_seen(record.environment, session),
            )
        phases = self._phases(session)
        harness_seconds = wall_seconds - sum(phase.seconds for phase in phases)
        return msgspec.structs.replace(
            record,
            phases=phases,
            steps=tuple(session.steps),
            step_elapsed_seconds=self._step_spans(session),
            ledger=session.ledger,
            exit_code=session.process.exit_code,
            # Of a case that broke off, the unfinished phase would count as harness.
            harness_seconds=harness_seconds if session.finished and harness_seconds >= 0 else None,
            wall_seconds=wall_seconds,
            output_tail=session.process.tail(),
            notes=tuple(_notes(session, self._busy_neighbours, record.environment)),
            group=self._group(session),
        )

    def _group(self, session: Session) -> Group | None:
        if self.case.parallel is None:
            return None
        gpus = self._setting.gpus(self.case)
        return Group(
            world_size=self.case.ranks,
            ranks=() if session.ranks is None else session.ranks.records(),
            telemetry=self._others_telemetry,
            gpus=tuple(gpu.describe()[0] for gpu in gpus),
            interconnect=None if session.ranks is None else session.ranks.interconnect,
            topology=self._setting.topology,
        )

    def _newly_compiled(self) -> int | None:
        if self._compiled is None:
            return None
        return len(compile_cache.files(self._compiled) - self._compiled_before)

    def _step_spans(self, session: Session) -> tuple[tuple[float, float], ...]:
        """Return when each step was; where there is telemetry, it holds them on its own clock."""
        if self._samplers:
            return ()
        return tuple(
            (span.began - self._began, span.ended - self._began) for span in session.step_spans
        )

    def _telemetry(self) -> Telemetry | None:
        if not self._samplers or self._session is None:
            return None
        return self._samplers[0].telemetry(self._session.step_spans)

    @cached_property
    def _others_telemetry(self) -> tuple[Telemetry, ...]:
        """What the GPUs after the first did, once everything has ended: checks and record ask."""
        spans = self._running().step_spans
        return tuple(sampler.telemetry(spans) for sampler in self._samplers[1:])

    def _phases(self, session: Session) -> tuple[Phase, ...]:
        if not self._samplers:
            return tuple(
                telemetry.with_nvml_peak(phase, None, "no GPU in use") for phase in session.phases
            )
        return self._samplers[0].with_peaks(session.phases, session.phase_spans)

    def _checks(self, seen: Telemetry | None) -> tuple[Check, ...]:
        session = self._running()
        effective = session.ready.effective if session.ready is not None else None
        steps = tuple(session.steps)
        made = check(self.case, effective, steps)
        if session.ranks is not None:
            made = (*made, *checks_of_ranks.check(self.case, session.ranks.records()))
        elif self.case.parallel is not None:
            made = (*made, checks_of_ranks.check_split(self.case, effective))
        if self._setting.profile.has_gpu:
            made = (*made, possible(self.case, steps, self._setting.environment.probe))
        if seen is None:
            return made
        elsewhere = telemetry.failed_elsewhere(self._others_telemetry)
        return (*made, *telemetry.checks(seen), *elsewhere)


def worker_environment(
    environment: Mapping[str, str], gpus: Sequence[GpuDevice]
) -> dict[str, str]:
    """Return the worker's environment variables: this suite importable, its GPUs visible.

    A trainer that sees two GPUs would split each batch over both. On the CPU, threads that wait
    for each other sleep: spinning ones make steps fifty times slower where another program runs.
    """
    path: Sequence[str] = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
    return {
        **({} if gpus else {"OMP_WAIT_POLICY": "PASSIVE"}),
        **environment,
        "PYTHONPATH": os.pathsep.join(path),
        "CUDA_VISIBLE_DEVICES": ",".join(gpu.uuid for gpu in gpus),
    }


def _as_seen(environment: Environment, session: Session) -> Environment:
    """Return the environment with what the worker saw of it: packages, the host's speed."""
    assert session.ready is not None
    probe = environment.probe
    before, after = session.ready.host, session.host_after
    if probe is not None and before is not None:
        probe = msgspec.structs.replace(probe, host=before, host_after=after)
    return msgspec.structs.replace(environment, versions=session.ready.versions, probe=probe)


def _notes(session: Session, busy_neighbours: int, around: Environment) -> Iterator[str]:
    yield from (each.text for each in around.preflight if each.status == "warn")
    if busy_neighbours:
        yield (
            f"{units.counted(busy_neighbours, 'other GPU')} of this machine computed meanwhile:"
            " steps that wait for the host can be slower than alone"
        )
    if session.finished and session.process.exit_code != 0:
        yield f"the worker had finished, then ended with code {session.process.exit_code}"
