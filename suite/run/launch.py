"""One launch: every case of a plan once, each in a fresh process, through pytest in-process."""

import os
from collections.abc import Callable, Sequence

import msgspec

from suite.catalog.case import Case, unsupported_reason
from suite.catalog.profile import Profile
from suite.errors import WrongMachine
from suite.results.record import Environment, Record
from suite.results.storage.run_folder import Run
from suite.run import variables
from suite.run.case import compile_cache
from suite.run.case.measurement import Measurement, MeasurementSetting
from suite.run.case.session import WORKER
from suite.run.folders import cache_folder, unused
from suite.run.machine import host_history, several_gpus
from suite.run.machine.ceilings import probe
from suite.run.machine.environment import (
    as_seen,
    container_findings,
    environment,
    require_machine,
    resolve_profile,
)
from suite.run.machine.gpu import GpuDevice, Missing, open_gpu
from suite.run.machine.preflight import preflight
from suite.run.progress.reporter import Reporter

OneLaunch = Callable[[int, Reporter], None]  #: carries out the launch of that number


class Launch:
    """What the pytest plugin needs to carry out one launch of a run.

    ``stopped_by`` is the exception that no further case would survive, if there was one.
    """

    def __init__(
        self,
        run: Run,
        number: int,
        reporter: Reporter,
        *,
        command: Sequence[str] = WORKER,
        probing: bool = True,
    ) -> None:
        self.run = run
        self.number = number
        self.stopped_by: BaseException | None = None
        self.benchmark_json = unused(run.benchmark_json(number))
        self._reporter = reporter
        self._command = tuple(command)
        self._probing = probing
        self._gpu: GpuDevice | Missing | None = None
        self._others: tuple[GpuDevice, ...] = ()
        self._setting: MeasurementSetting | None = None

    @property
    def pending(self) -> list[Case]:
        """Return the cases that have no record in this launch, in the plan's order."""
        plan = self.run.plan
        return [case for case in plan.cases if not self.run.done(self.number, case.case_id)]

    @property
    def records(self) -> list[Record]:
        """Return this launch's records so far."""
        return [record for record in self.run.records if record.launch == self.number]

    def measurement(self, case: Case) -> Measurement:
        """Begin one case."""
        plan = self.run.plan
        number = (self.number - 1) * len(plan.cases) + plan.cases.index(case) + 1
        setting = self.setting()
        self._reporter.case_begun(case, number, plan.total, self.number, plan.launches)
        ran = any(r.case_id == case.case_id and r.outcome == "ok" for r in self.run.records)
        return Measurement(case, setting, self._reporter, self.run.append, ran=ran)

    def setting(self) -> MeasurementSetting:
        """Return what all cases share; the first call looks at the machine and probes it.

        Raises WrongMachine when it is another kind of machine, or not fit to be measured on.
        """
        if self._setting is not None:
            return self._setting
        plan = self.run.plan
        profile = resolve_profile(plan.profile)
        cpu = Missing(reason="the profile is for the CPU")
        self._gpu = open_gpu() if profile.has_gpu else cpu
        require_machine(profile, self._gpu)
        profile = as_seen(profile, self._gpu)
        gpu = None if isinstance(self._gpu, Missing) else self._gpu
        needed = several_gpus.most(case for case in plan.cases if self._can_run(case, profile))
        if gpu is not None and needed > 1:
            self._others = several_gpus.open_others(gpu, needed)
        self._setting = MeasurementSetting(
            run_id=plan.run_id,
            folder=self.run.folder,
            profile=profile,
            launch=self.number,
            weights=plan.weights,
            cache=cache_folder(),
            environment=self._environment(profile, self._gpu),
            gpu=gpu,
            others=self._others,
            topology=None
            if gpu is None or not self._others
            else several_gpus.topology((gpu, *self._others)),
            command=self._command,
        )
        return self._setting

    def _can_run(self, case: Case, profile: Profile) -> bool:
        return unsupported_reason(case, profile) is None

    def _environment(self, profile: Profile, gpu: GpuDevice | Missing) -> Environment:
        findings = preflight(profile, gpu, self.run.folder)
        blocked = [f"{one.name}: {one.detail}" for one in findings if one.status == "block"]
        if blocked:
            raise WrongMachine(
                f"not fit to be measured on: {'; '.join(blocked)}",
                hint="Put that right, then go on with --resume.",
            )
        around = environment(self.run.plan.runner, gpu)
        findings = (*findings, *container_findings(around.container))
        around = msgspec.structs.replace(around, preflight=findings)
        if not self._probing or all(unsupported_reason(case, profile) for case in self.pending):
            return around
        ceilings, reason = probe(profile.device, variables.with_home(os.environ, cache_folder()))
        unavailable = {**around.unavailable, **({"probe": reason} if reason else {})}
        speed = host_history.finding(
            cache_folder(),
            None if ceilings is None else ceilings.host,
            cpu=around.cpu,
            python=around.python,
        )
        return msgspec.structs.replace(
            around,
            probe=ceilings,
            preflight=(*around.preflight, speed),
            unavailable=unavailable,
        )

    def close(self) -> None:
        """Let go of the GPU, and of compiled kernels once nothing is left to run."""
        if self._gpu is not None and not isinstance(self._gpu, Missing):
            self._gpu.close()
        for gpu in self._others:
            gpu.close()
        self._gpu, self._others = None, ()
        if len(self.run.records) >= self.run.plan.total:
            compile_cache.remove(self.run.folder)
