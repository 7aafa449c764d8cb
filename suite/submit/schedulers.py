"""The schedulers that carry out tasks: what each needs to be told, and how to hand tasks to it.

None of them is ours: Slurm, Kubernetes, Kubeflow and SkyPilot queue, start and start again. A
scheduler here is a template in ``templates/``, the settings it knows, and its own command.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from suite.errors import BadInput, WrongMachine, did_you_mean
from suite.submit.submission import SchedulerName
from suite.wire import Struct

SECONDS = 120  #: that a scheduler's command may take


class Scheduler(Struct, frozen=True, kw_only=True):
    """``program`` is its command, ``file`` the job file that we write, ``look`` shows its queue.

    ``settings`` maps each key of ``--set`` to what it means; ``needed`` are those that have no
    default, ``needs_image`` says that it starts containers only. ``commands`` returns what submits
    tasks, by the job file and their numbers: arguments of one process each.
    """

    commands: Callable[[str, Sequence[int]], list[list[str]]]
    title: str
    program: str
    install: str
    file: str
    look: str
    settings: Mapping[str, str]
    needed: tuple[str, ...] = ()
    needs_image: bool = False


def _slurm(file: str, numbers: Sequence[int]) -> list[list[str]]:
    """Return one array of just these; Slurm itself queues a task again that lost its node."""
    return [["sbatch", "--parsable", f"--array={spans(numbers)}", file]]


def _kubernetes(file: str, numbers: Sequence[int]) -> list[list[str]]:
    """Return the whole file, made anew: tasks that are whole end at once."""
    del numbers
    return [["kubectl", "replace", "--force", "-f", file]]


def _skypilot(file: str, numbers: Sequence[int]) -> list[list[str]]:
    """Return a managed job for each, which SkyPilot starts again where a machine is taken back."""
    launch = ["sky", "jobs", "launch", "-y", "-d", "--env"]
    return [[*launch, f"TASK={number}", file] for number in numbers]


#: What the job files of Kubernetes and of Kubeflow have in common.
_IN_CLUSTER = {
    "claim": "PersistentVolumeClaim with the checkout and the results",
    "checkout": "the checkout's folder in it (default: tunebench)",
    "results": "where in it results go (default: results/SUBMISSION)",
    "namespace": "where the Job is made (default: default)",
    "product": "nodes labelled nvidia.com/gpu.product",
}
_KUBECTL = "kubectl is missing: https://kubernetes.io/docs/tasks/tools/"

SCHEDULERS: dict[SchedulerName, Scheduler] = {
    "slurm": Scheduler(
        commands=_slurm,
        title="Slurm",
        program="sbatch",
        install="Slurm's client is missing; submit from a login node of the cluster.",
        file="job.sbatch",
        look="squeue --me",
        settings={
            "partition": "the queue",
            "account": "who pays",
            "qos": "quality of service",
            "time": "limit of a task: HH:MM:SS",
            "constraint": "features that a node must have",
            "gres": "GPUs by kind, as gpu:h100:1 (default: gpu:1)",
            "cpus-per-task": "processors of a task (default: the whole node)",
            "mem": "memory of a task",
            "parallel": "tasks at the same time (default: no limit)",
            "container": "what starts --image: pyxis (default) or apptainer",
        },
    ),
    "kubernetes": Scheduler(
        commands=_kubernetes,
        title="Kubernetes",
        program="kubectl",
        install=_KUBECTL,
        file="job.yaml",
        look="kubectl get pods",
        settings={**_IN_CLUSTER, "parallel": "tasks at the same time (default: 1)"},
        needed=("claim",),
        needs_image=True,
    ),
    "kubeflow": Scheduler(
        commands=_kubernetes,
        title="Kubeflow Trainer",
        program="kubectl",
        install=_KUBECTL,
        file="trainjob.yaml",
        look="kubectl get trainjobs",
        settings={
            **_IN_CLUSTER,
            "runtime": "ClusterTrainingRuntime (default: torch-distributed)",
        },
        needed=("claim",),
        needs_image=True,
    ),
    "skypilot": Scheduler(
        commands=_skypilot,
        title="SkyPilot",
        program="sky",
        install="SkyPilot is missing: python3 -m pip install skypilot",
        file="task.yaml",
        look="sky jobs queue",
        settings={
            "accelerators": "GPUs as SkyPilot calls them: H100:1",
            "infra": "where: aws, gcp, kubernetes, ssh/POOL (default: the cheapest)",
            "store": "bucket that gets the results: s3://NAME",
            "cpus": "processors: 16+",
        },
        needed=("store",),
    ),
}


def checked(name: SchedulerName, given: Sequence[str], image: str | None) -> dict[str, str]:
    """Return ``KEY=VALUE`` pairs as settings of that scheduler.

    Raises BadInput for an unknown key or a bad value, a missing one, and an image that is not
    pinned by its digest: a tag may be another image tomorrow.
    """
    scheduler = SCHEDULERS[name]
    settings: dict[str, str] = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if key not in scheduler.settings:
            known = "; ".join(f"{each}: {what}" for each, what in scheduler.settings.items())
            near = did_you_mean(key, list(scheduler.settings))
            raise BadInput(
                f"{scheduler.title} has no setting {key!r}", hint=near or f"Known: {known}"
            )
        if not equals or not re.fullmatch(r"[A-Za-z0-9_./:@=,+-]+", value):
            raise BadInput(
                f"--set {key}: {value!r} is no value",
                hint="Write KEY=VALUE; a value has letters, digits and _./:@=,+- only.",
            )
        settings[key] = value
    for key in scheduler.needed:
        if key not in settings:
            raise BadInput(
                f"{scheduler.title} needs --set {key}=VALUE: {scheduler.settings[key]}",
            )
    if settings.get("container", "pyxis") not in ("pyxis", "apptainer"):
        raise BadInput(f"container {settings['container']!r}: pyxis or apptainer")
    if not settings.get("parallel", "1").isdecimal() or settings.get("parallel", "1") == "0":
        raise BadInput(f"parallel {settings['parallel']!r}: a number of tasks, 1 at least")
    if image is None and scheduler.needs_image:
        raise BadInput(f"{scheduler.title} starts containers: give --image NAME@sha256:DIGEST")
    if image is not None and not re.fullmatch(r"[A-Za-z0-9_./:-]+@sha256:[0-9a-f]{64}", image):
        raise BadInput(
            f"image {image!r} is not pinned",
            hint="Name it by its digest, NAME@sha256:…: a tag may be another image tomorrow.",
        )
    return settings


def submit(name: SchedulerName, folder: Path, numbers: Sequence[int]) -> list[str]:
    """Hand tasks to the scheduler and return what it said, a line a command.

    Raises WrongMachine where the scheduler is not there, or refuses.
    """
    scheduler = SCHEDULERS[name]
    if shutil.which(scheduler.program) is None:
        raise WrongMachine(
            scheduler.install,
            hint=f"The job files are in {folder}; on a machine with {scheduler.title}: "
            f"{again(name, folder, numbers)}",
        )
    said = []
    for command in scheduler.commands(str(folder / scheduler.file), numbers):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise WrongMachine(f"{command[0]} did not answer within {SECONDS} s") from error
        if done.returncode:
            words = (done.stderr or done.stdout).strip().splitlines()
            raise WrongMachine(
                f"{command[0]}: {words[-1] if words else f'exit code {done.returncode}'}",
                hint=f"The job files are in {folder}.",
            )
        said.append(done.stdout.strip())
    return said


def again(name: SchedulerName, folder: Path, numbers: Sequence[int]) -> str:
    """Return the command that submits these tasks, as it is typed."""
    scheduler = SCHEDULERS[name]
    commands = scheduler.commands(str(folder / scheduler.file), numbers)
    typed = [shlex.join(command) for command in commands[:3]]
    left = len(commands) - len(typed)
    return "; ".join(typed) + (f"; and {left} more" if left else "")


def spans(numbers: Sequence[int]) -> str:
    """Return numbers as Slurm writes them: ``0-3,7``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(f"{low}" if low == high else f"{low}-{high}" for low, high in parts)
