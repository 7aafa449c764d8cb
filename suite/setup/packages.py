"""Packages that only some verbs need: for training on this machine, for charts, for the tests.

In the launcher's own environment they are installed when first needed. In any other Python (an
image, a GPU host, a developer's own) nothing is ever installed: they are there or it is an error.
Never imports any of them.
"""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from suite.errors import WrongMachine
from suite.setup import venv

TRAINING = ["torch", "transformers", "accelerate", "datasets", "peft", "trl", "bitsandbytes"]
TRAINING += ["unsloth", "unsloth_zoo"]
CHARTS = ["altair", "vl_convert"]
TESTING = ["tox", "ruff", "mypy", "selenium", "hypothesis"]


def ensure_training() -> None:
    """Return once what a worker imports is there; raises WrongMachine with the way to get it."""
    _ensure("train.txt", TRAINING, "-r requirements/torch.txt")


def ensure_charts() -> None:
    """Return once what a report draws charts with is there; raises WrongMachine."""
    _ensure("charts.txt", CHARTS, "")


def ensure_testing() -> None:
    """Return once the tools of ``./tunebench test`` are there; raises WrongMachine."""
    _ensure("dev.txt", TESTING, "")


def _ensure(lock: str, modules: Sequence[str], more: str) -> None:
    missing = _missing(modules)
    if venv.is_ours(Path(sys.prefix)):
        if missing:
            venv.forget(Path(sys.prefix), lock)
        venv.install(Path(sys.prefix), lock)
        importlib.invalidate_caches()
        if missing := _missing(modules):
            raise WrongMachine(
                f"{sys.prefix} is damaged: {', '.join(missing)} cannot be found",
                hint="Remove that folder; the next command makes it anew.",
            )
    elif missing:
        install = f"{sys.executable} -m pip install"
        commands = f"{install} --no-deps --require-hashes -r requirements/{lock}"
        if more:
            commands += f" && {install} {more}"
        raise WrongMachine(
            f"this Python ({sys.executable}) lacks {', '.join(missing)}",
            hint=f"Start with ./tunebench, which installs them, or: {commands}",
        )


def _missing(modules: Sequence[str]) -> list[str]:
    return [name for name in modules if importlib.util.find_spec(name) is None]


if __name__ == "__main__":
    parts = {"training": ensure_training, "charts": ensure_charts, "testing": ensure_testing}
    venv.run(parts[sys.argv[1]])
