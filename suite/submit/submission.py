"""A submission: one plan cut into tasks, and the folder that all of its tasks share.

``FOLDER/submission.json`` says what was submitted, ``FOLDER/tasks/N`` is the session of task N.
It never changes: what was measured is held against it (``suite.submit.collect``).
"""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from suite import screen
from suite.catalog.bounds import Count
from suite.catalog.case import Case
from suite.catalog.parallel import Parallel
from suite.errors import BadInput
from suite.results.plan import Plan
from suite.results.storage import decode, safe_files
from suite.results.storage.budget import Budget
from suite.results.storage.folder import open_folder, writing
from suite.wire import Struct

SUBMISSION = "submission.json"
TASKS = "tasks"
SCHEMA = 1
#: Tasks of one submission: what schedulers take in one array by default (Slurm's MaxArraySize).
MOST_TASKS = 1000

SchedulerName = Literal["slurm", "kubernetes", "kubeflow", "skypilot"]
Split = Literal["repeat", "case"]
#: Of a setting or an image: means nothing to a shell, to YAML and to ``#SBATCH``.
Plain = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_./:@=,+-]+$(?!\n)", max_length=240)]


class Task(Struct, frozen=True, kw_only=True):
    """One session on one machine: some cases in one repeat (1 is the first)."""

    number: Count
    repeat: Count
    cases: tuple[Case, ...]


class Submission(Struct, frozen=True, kw_only=True):
    """What was submitted. ``split``: a task is a repeat of all cases, or one case in one repeat.

    ``settings`` are the scheduler's own (``suite.submit.schedulers``), ``parallel`` is
    what was asked beside the tier. ``root`` is the checkout
    that tasks run, ``revision`` its commit, None where git does not know.
    """

    schema: Count = SCHEMA
    scheduler: SchedulerName
    split: Split
    image: Plain | None
    settings: dict[str, Plain]
    parallel: Parallel | None
    root: str
    revision: str | None
    plan: Plan

    def __post_init__(self) -> None:
        cases = 1 if self.split == "repeat" else len(self.plan.cases)
        if (number := cases * self.plan.launches) > MOST_TASKS:
            raise ValueError(f"{number:,} tasks; a submission has {MOST_TASKS:,} at most")

    @property
    def name(self) -> str:
        """Return what tells its tasks from those of other submissions."""
        return self.plan.run_id

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Return every task: repeat by repeat, cases in their order."""
        cases = tuple(self.plan.cases)
        parts = [cases] if self.split == "repeat" else [(case,) for case in cases]
        every = itertools.product(range(1, self.plan.launches + 1), parts)
        return tuple(
            Task(number=number, repeat=repeat, cases=part)
            for number, (repeat, part) in enumerate(every)
        )

    def task_name(self, task: Task) -> str:
        """Return what the plan of this task's session has as its ``task``."""
        return f"{self.name}.{task.number}"


def write(folder: Path, submission: Submission, files: Mapping[str, str]) -> None:
    """Make the folder with the submission and its job files.

    Raises BadInput where the folder has something in it, WrongMachine where it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(
            f"{folder} has something in it already",
            hint="Give a new folder: --out DIR. A submission never changes.",
        )
    with writing(folder), open_folder(folder, make=True) as place:
        for name, text in files.items():
            place.write(name, text.encode())
        document = msgspec.json.format(msgspec.json.encode(submission), indent=1)
        place.write(SUBMISSION, document + b"\n")  # last: with it the folder is whole


def load(folder: Path) -> Submission:
    """Return the submission of a folder; raises BadInput where there is none that can be used."""
    path = folder / SUBMISSION
    if not path.is_file():
        raise BadInput(
            f"{folder}: no submission: {SUBMISSION} is missing",
            hint="Give the folder that './tunebench submit' wrote: its --out.",
        )
    try:
        found = msgspec.json.decode(safe_files.content(path, folder, Budget()), type=Submission)
    except (decode.Unusable, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
        raise BadInput(f"{path}: no submission: {screen.line(str(why))}") from why
    if not 1 <= found.schema <= SCHEMA:
        raise BadInput(f"{path}: schema {found.schema}; this tunebench reads 1 to {SCHEMA}")
    return found
