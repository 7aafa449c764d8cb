"""Carries out one launch with a scripted worker, as the command line does; ended by signals.

Run as ``python interruptible.py RUN``, which makes the run or goes on with it.
"""

import os
import sys
from pathlib import Path


def main(folder: Path) -> int:
    sys.path[:0] = [str(Path(__file__).parents[i]) for i in (1, 2)]

    from suite.results.storage.run_folder import create, open_run
    from suite.run.pytest_front.drive import run_launch
    from suite.signals import Interrupted, Signals
    from support import records
    from support.run_settings import Silent, scripted

    plan = records.plan(methods=("lora", "unsloth-lora"))
    os.environ["TUNEBENCH_CACHE"] = str(folder.parent / "cache")
    with Signals(), open_run(folder) if folder.exists() else create(folder, plan) as run:
        try:
            run_launch(run, 1, Silent(), command=scripted("by_method"), probing=False)
        except Interrupted as interruption:
            return interruption.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
