"""Carry out a plan's launches in containers, one each."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import msgspec

from suite.catalog import profile as profiles
from suite.errors import EXIT_USAGE, BadInput, SuiteError, WrongMachine
from suite.paths import ROOT
from suite.results.record import Container
from suite.results.storage.run_folder import Run
from suite.run.containers import image, owner
from suite.run.containers.container import Launched, Spec
from suite.run.containers.engine import DockerEngine, connect
from suite.run.containers.place import RESULTS, Place, RemotePlace, own_user, place
from suite.run.launch import OneLaunch
from suite.run.machine import environment
from suite.run.machine.gpu import Missing, open_gpu
from suite.run.progress.events import CaseBegun, CaseEnded, PhaseEntered, StepTaken, Stopped
from suite.run.progress.reporter import Reporter
from suite.signals import Signals

#: More than any phase may take in silence, by what a case's time-outs say: probe, preflight.
GRACE_SECONDS = 300

#: What a local worker would inherit and that changes what is measured, or lets it download.
PASSED = ["OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES"]
PASSED += ["PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"]
PASSED_FOR_HUB = ["HF_TOKEN", "HF_ENDPOINT", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"]


def execute(run: Run, reporter: Reporter, signals: Signals) -> None:
    """Run what is left of the plan; raises Interrupted when a signal came, or SuiteError."""
    profile = environment.resolve_profile(run.plan.profile)
    name = profile.image
    if name is None:
        raise BadInput(f"profile {run.plan.profile!r} names no image", hint="Use --runner local.")
    with connect() as engine:
        if profile.has_gpu:
            engine.need_gpus()
        revision, _, _ = environment.git(ROOT)
        with ready(engine, run, image.ensure(engine, name, revision)) as launch:
            for number in range(1, run.plan.launches + 1):
                if run.launch_done(number):
                    continue
                launch(number, reporter)
                signals.check()


@contextmanager
def ready(engine: DockerEngine, run: Run, container: Container) -> Iterator[OneLaunch]:
    """Yield what carries out a launch of the run, by its number, in a container of that image."""
    revision, dirty, _ = environment.git(ROOT)
    stated = None if revision is None else revision + ("-dirty" if dirty else "")
    user = own_user(engine)
    with place(engine, run, container.image_id, user, _labels(run, 0)) as where:

        def one(number: int, reporter: Reporter) -> None:
            spec = specification(engine, run, number, container, where, user, stated)
            _launch(engine, run, number, where, spec, reporter)

        yield one


def prepare() -> None:
    """Raise WrongMachine without an engine, before a run has its folder; remove leftovers.

    A launch whose owner was killed may still end, and hold its run's folder until then.
    """
    with connect() as engine:
        owner.sweep(engine)


def specification(
    engine: DockerEngine,
    run: Run,
    number: int,
    container: Container,
    where: Place,
    user: str,
    revision: str | None,
) -> Spec:
    """Return what the container of one launch is made with; ``user`` is "uid:gid"."""
    plan = run.plan
    profile = profiles.load(plan.profile)
    hub = plan.weights == "hub"
    names = [*PASSED, *PASSED_FOR_HUB] if hub else PASSED
    told = {name: os.environ[name] for name in names if name in os.environ}
    told[environment.CONTAINER] = msgspec.json.encode(container).decode()
    if revision is not None:
        told["TUNEBENCH_REVISION"] = revision
    if hub:
        told["HF_HOME"] = "/cache/huggingface"
    if profile.has_gpu:
        told["NVIDIA_DRIVER_CAPABILITIES"] = "compute,utility"
        if not engine.remote and (seen := _host_gpu()) is not None:
            told[environment.HOST_GPU] = seen
    cpus = None
    if not engine.remote and hasattr(os, "sched_getaffinity"):
        allowed = os.sched_getaffinity(0)
        if len(allowed) < (os.cpu_count() or 1):
            cpus = ",".join(map(str, sorted(allowed)))
    return Spec(
        image=container.image_id,
        name=f"tunebench-{plan.run_id}-{number}",
        entrypoint=("python", "-m", "suite.run.containers.entrypoint"),
        command=(RESULTS, str(number)),
        labels=_labels(run, number),
        environment={**told, "PYTHONDONTWRITEBYTECODE": "1"},
        volumes=where.volumes,
        user=user,
        gpus=profile.has_gpu,
        cdi=engine.podman,
        network=hub,
        memory_bytes=engine.memory_bytes,
        cpus=cpus,
    )


def _launch(
    engine: DockerEngine, run: Run, number: int, where: Place, spec: Spec, reporter: Reporter
) -> None:
    """Carry out one launch; the run's folder is lent to it where it is mounted there."""
    remote = isinstance(where, RemotePlace)
    longest = max(max(msgspec.structs.astuple(case.timeouts)) for case in run.plan.cases)
    stopped: Stopped | None = None
    with nullcontext() if remote else run.lent():
        launched = Launched(engine, spec, lambda found: where.collect(found, number))
        with launched:
            for event in launched.events(longest + GRACE_SECONDS):
                if isinstance(event, Stopped):
                    stopped = event
                elif isinstance(event, CaseEnded) and remote:
                    run.append(event.record)
                _tell(reporter, run, number, event)
    if stopped is not None:
        kind = BadInput if stopped.exit_code == EXIT_USAGE else WrongMachine
        raise kind(_outside(stopped.message, run), hint=_outside(stopped.hint, run))
    if launched.exit_code != 0:
        raise _died(launched, spec)


def _tell(reporter: Reporter, run: Run, number: int, event: object) -> None:
    plan = run.plan
    if isinstance(event, CaseBegun):
        case = next(case for case in plan.cases if case.case_id == event.case_id)
        reporter.case_begun(case, event.number, plan.total, number, plan.launches)
    elif isinstance(event, PhaseEntered):
        reporter.phase_begun(event.name)
    elif isinstance(event, StepTaken):
        reporter.step_done(event.step, event.done, event.planned)
    elif isinstance(event, CaseEnded):
        reporter.case_ended(event.record)


def _died(launched: Launched, spec: Spec) -> SuiteError:
    said = "".join(f"\n  {line}" for line in launched.tail)
    if launched.out_of_memory:
        return WrongMachine(f"container {spec.name} ran out of host memory and was killed{said}")
    if launched.exit_code in (130, 137, 143):
        return WrongMachine(f"container {spec.name} was stopped by somebody else{said}")
    return WrongMachine(f"container {spec.name} ended with code {launched.exit_code}{said}")


def _outside(text: str, run: Run) -> str:
    """Return words from inside with the run's folder as it is called here."""
    return re.sub(rf"(?<![\w/]){RESULTS}(?=/|\b)", lambda _: str(run.folder), text)


def _labels(run: Run, number: int) -> dict[str, str]:
    return {owner.RUN: run.plan.run_id, owner.LAUNCH: str(number), owner.OWNER: owner.me()}


def _host_gpu() -> str | None:
    gpu = open_gpu()
    if isinstance(gpu, Missing):
        return None
    seen = gpu.describe()[0]
    gpu.close()
    return f"{seen.uuid_hash} {seen.driver}"
