"""The door of Jinja for job files: a submission as its scheduler's own files."""

import shlex
from pathlib import Path

import jinja2

from suite.catalog import profile as profiles
from suite.submit import schedulers
from suite.submit.submission import Submission

TEMPLATES = Path(__file__).parent / "templates"
SCRIPT = "task.sh"


def files(submission: Submission, folder: Path) -> dict[str, str]:
    """Return the job files by name, for a submission that is to lie in ``folder`` (absolute).

    ``task.sh`` starts one task, whatever the scheduler; the other file is the scheduler's.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=False,
        undefined=jinja2.ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = shlex.quote
    tasks = submission.tasks
    profile = profiles.known(submission.plan.profile)
    gpus = max(case.gpus for case in submission.plan.cases)
    values = {
        "name": submission.name,
        "plan": submission.plan,
        "tasks": tasks,
        "settings": submission.settings,
        "image": submission.image,
        "root": submission.root,
        "folder": str(folder),
        "gpus": gpus if profile is None or profile.has_gpu else 0,
        "parallel": submission.parallel,
        "results": submission.settings.get("results", f"results/{submission.name}"),
        "spans": schedulers.spans([task.number for task in tasks]),
    }
    script = environment.get_template(f"{SCRIPT}.j2").render(values)
    file = schedulers.SCHEDULERS[submission.scheduler].file
    return {
        SCRIPT: script,
        file: environment.get_template(f"{file}.j2").render(values, script=script),
    }
