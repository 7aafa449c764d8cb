"""What came back of a submission: each task's session found, and held against what was submitted.

Sessions may lie anywhere below the given folders, in any order, twice, half written. Which task
one belongs to is in its plan; what its plan measures must be what was submitted.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from suite.catalog.bounds import Count
from suite.results.plan import Plan
from suite.results.record import Record
from suite.results.storage.problems import Problem
from suite.results.storage.reader import NOTHING_YET, read
from suite.submit.submission import TASKS, Submission, Task
from suite.wire import Struct

#: Whole: every case has its answer. Failed: so it has, and one is no good answer. Begun: there is
#: a session, which runs or was cut off; the scheduler knows which.
State = Literal["whole", "failed", "begun", "not begun"]
#: Outcomes that are answers, as in ``tunebench run``.
ANSWERS = frozenset({"ok", "oom", "unsupported"})


class TaskState(Struct, frozen=True, kw_only=True):
    """One task: ``results`` of ``cases`` are there, ``bad`` of them are no answer.

    ``sessions`` names every session of it, the one that counts first; ``failures`` says case and
    outcome of the bad ones.
    """

    task: Count
    repeat: Count
    state: State
    results: Count
    cases: Count
    sessions: tuple[str, ...]
    failures: tuple[str, ...]


class Collected(Struct, frozen=True, kw_only=True):
    """Everything that was found. ``strangers`` are sessions that do not count, with the reason."""

    tasks: tuple[TaskState, ...]
    strangers: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def missing(self) -> tuple[int, ...]:
        """Return the numbers of the tasks that have not all of their results."""
        return tuple(each.task for each in self.tasks if each.state in ("begun", "not begun"))


def collect(folder: Path, submission: Submission, others: Iterable[Path] = ()) -> Collected:
    """Return the state of each task, by what lies in the submission's folder and in ``others``."""
    own = folder / TASKS
    places = [*([own] if own.is_dir() else []), *others]
    found = read(places, may_be_empty=True) if places else None
    records: dict[str, list[Record]] = defaultdict(list)
    for record in found.records if found else ():
        records[record.run_id].append(record)
    tasks = {submission.task_name(task): task for task in submission.tasks}
    sessions: dict[str, list[Plan]] = defaultdict(list)
    strangers = []
    for plan in found.plans if found else ():
        task = tasks.get(plan.task or "")
        why = (
            "it is of no task of this submission"
            if task is None
            else differs(plan, submission, task)
        )
        if why:
            strangers.append(f"{plan.run_id}: {why}")
        else:
            sessions[plan.task or ""].append(plan)
    return Collected(
        tasks=tuple(_state(task, sessions[name], records) for name, task in tasks.items()),
        strangers=tuple(strangers),
        problems=tuple(
            problem
            for problem in (found.problems if found else ())
            if not problem.reason.endswith(NOTHING_YET)
        ),
    )


def differs(plan: Plan, submission: Submission, task: Task) -> str:
    """Return in what a session's plan is not the task's, empty where it is."""
    asked = msgspec.structs.replace(submission.plan, launches=1, cases=task.cases)
    same = ("suite_version", "profile", "tier", "launches", "loop", "seed", "weights", "cases")
    other = [
        name for name in same if tuple_of(getattr(plan, name)) != tuple_of(getattr(asked, name))
    ]
    return f"task {task.number} was submitted with other {', '.join(other)}" if other else ""


def tuple_of(value: object) -> object:
    """Return a sequence that is no text as a tuple, anything else as it is."""
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _state(task: Task, plans: Sequence[Plan], records: dict[str, list[Record]]) -> TaskState:
    """Return a task's state by the session of it that got farthest; the first, of several."""
    ordered = sorted(plans, key=lambda plan: (-len(records[plan.run_id]), plan.created_at))
    best = records[ordered[0].run_id] if ordered else []
    bad = tuple(
        f"{record.case_id}: {record.outcome}" for record in best if record.outcome not in ANSWERS
    )
    state: State = "not begun"
    if len(best) == len(task.cases):
        state = "failed" if bad else "whole"
    elif ordered:
        state = "begun"
    return TaskState(
        task=task.number,
        repeat=task.repeat,
        state=state,
        results=len(best),
        cases=len(task.cases),
        sessions=tuple(plan.run_id for plan in ordered),
        failures=bad,
    )
