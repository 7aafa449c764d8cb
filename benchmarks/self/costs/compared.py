"""What ``./tunebench compare`` of many records costs, reading included.

The records are made up from published ones, in a folder that is gone afterwards.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from suite.catalog import case as cases
from suite.paths import RESULTS, ROOT
from suite.results.record import Record, encode, seal
from suite.results.stats.significance import GATE_LAUNCHES
from suite.results.storage.reader import JOURNAL, read

SPREAD = 0.007  #: of launches, as the logarithm's standard deviation
SEED = 17


def seconds(records: int) -> float:
    """Return the wall clock of a comparison of as many records, half of them a side."""
    with tempfile.TemporaryDirectory(prefix="tunebench-synthetic-") as folder:
        sides = [Path(folder) / side for side in ("base", "candidate")]
        for side in sides:
            write(side, records // 2)
        command = [sys.executable, "-m", "suite", "compare", *map(str, sides)]
        # Published steps that did not settle, multiplied.
        command += ["--gate", "--allow", "settling"]
        began = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        taken = time.perf_counter() - began
        if done.returncode or "A gate passes" not in done.stdout:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return taken


def write(folder: Path, count: int) -> None:
    """Write one side: published cases that ran, each with a seed of its own, in five launches."""
    found = [record for record in read([RESULTS]).records if record.outcome == "ok"]
    drawn = random.Random(f"{SEED} {folder.name}")
    folder.mkdir()
    with (folder / JOURNAL).open("wb") as journal:
        for record in _copies(found, count, drawn, folder.name):
            journal.write(encode(record) + b"\n")


def _copies(
    found: Sequence[Record], count: int, drawn: random.Random, side: str
) -> Iterator[Record]:
    for number in range(count):
        which, launch = divmod(number, GATE_LAUNCHES)
        record = found[which % len(found)]
        case_id = f"{record.case_id}-synthetic-{which}"
        case = msgspec.structs.replace(record.case, seed=SEED + which, case_id=case_id)
        moved = drawn.lognormvariate(0.0, SPREAD)
        steps = [msgspec.structs.replace(s, seconds=s.seconds * moved) for s in record.steps]
        yield seal(
            msgspec.structs.replace(
                record,
                run_id=f"{record.run_id[:16]}-synthetic-{side}",
                launch=launch + 1,
                case=case,
                case_id=case_id,
                work_key=cases.work_key(case),
                steps=tuple(steps),
            )
        )
