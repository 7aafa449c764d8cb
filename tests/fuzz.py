"""``python tests/fuzz.py --seconds N``: strangers' folders, spoiled, before every verb.

Each example is a folder with one good record beside a spoiled run. Its properties: no exception
leaves a verb, nothing is written outside of what the verb was told to write, the good record is in
the answer, and no verb takes longer than ``MOST_SECONDS``. A folder that breaks one of them is
kept in ``build/fuzz``.
"""

import argparse
import io
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import hypothesis
import msgspec
from hypothesis import HealthCheck
from hypothesis import strategies as st

from suite.cli import main
from suite.results.plan import Plan
from suite.results.record import Record, encode
from support import mutations, records
from support.watching import TooSlow, time_limit, tree, writes_only

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build" / "fuzz"
MOST_SECONDS = 60
ROUND = 20  #: examples between two looks at the clock
CODES = {0, 2, 3, 4, 5}
GOOD = records.record(run_id="good", launch=1)

#: Words of a verb; G, B and S are the good run, the spoiled one and the folder of both, O the one
#: folder that may be written. Whether the good record must be in its answer, and where.
VERBS: tuple[tuple[str, str], ...] = (
    ("validate S --json", "count"),
    ("validate B", ""),
    ("validate --strict S", ""),
    ("validate --strict B --markdown", ""),
    ("report S --out O/site", "page"),
    ("report S --single-file --out O/one.html --json", "count"),
    ("export S", "id"),
    ("export S --format json", "id"),
    ("export S --format jsonl --out O/rows.jsonl", "O/rows.jsonl"),
    ("export S --format parquet --out O/rows.parquet", "done"),
    ("export S --format markdown", "done"),
    ("export S --format badge --models tiny-qwen3", ""),
    ("compare G B", ""),
    ("compare B G --format json", ""),
    ("compare B B --format markdown", ""),
    ("compare G S --format html --gate --strict", ""),
    ("compare G G --noise B/noise.json", ""),
    ("plan --model qwen3-8b --tokens 1M --results S --why --gpus h100-sxm", "done"),
    ("plan --errors --results S", "done"),
    ("fit --model qwen3-8b --gpu l40s --results S", "done"),
    ("fit --errors --results S --format json", "done"),
    ("run --resume B --dry-run", ""),
    ("run --resume B --dry-run --json", ""),
    ("publish B --into O/results", ""),
)


class Broken(AssertionError):
    """A property does not hold."""


def originals() -> list[tuple[Plan, Record]]:
    """Return records of real runs, one of every kind, with plans for them."""
    folders = [ROOT / "tests" / "results" / "schema-1"]
    folders += sorted((ROOT / "reports" / "results").glob("*/*/"))
    found: dict[tuple[str, str], tuple[Plan, Record]] = {}
    for folder in folders:
        for line in (folder / "journal.jsonl").read_bytes().splitlines():
            record = msgspec.json.decode(line, type=Record)
            if (record.profile, record.outcome) not in found:
                plan = msgspec.json.decode((folder / "run.json").read_bytes(), type=Plan)
                cases = (record.case,)
                plan = msgspec.structs.replace(plan, cases=cases, launches=record.launch)
                found[record.profile, record.outcome] = plan, record
    gpu = records.on_gpu(run_id="bad")
    found["", ""] = records.plan(run_id="bad", methods=("lora",)), gpu
    return list(found.values())


@st.composite
def runs(draw: st.DrawFn) -> dict[str, bytes]:
    """Return the files of one spoiled run."""
    plan, record = draw(st.sampled_from(ORIGINALS))
    tree, planned = json.loads(encode(record)), json.loads(msgspec.json.encode(plan))
    many = draw(st.sampled_from((1, 1, 2, 3)))
    planned["launches"] = many
    if draw(st.booleans()):
        key = draw(st.sampled_from(("run_id", "profile", "tier", "case_id", "model", "method")))
        name = draw(mutations.texts)
        tree, planned = (mutations.named(each, key, name) for each in (tree, planned))
    lines = []
    for launch in range(1, many + 1):
        tree["launch"] = launch
        how = draw(st.sampled_from((None, mutations.extreme, *[mutations.spoiled] * 2)))
        spoiled = tree if how is None else draw(how(tree, Record))
        lines.append(mutations.sealed(spoiled))
    journal = b"".join(lines)
    if not draw(st.integers(0, 3)):
        journal = draw(mutations.damaged(journal))
    if not draw(st.integers(0, 2)):
        planned = draw(mutations.spoiled(planned, Plan))
    files = {"run.json": mutations.encoded(planned), "journal.jsonl": journal}
    if draw(st.booleans()):
        name = draw(st.sampled_from(("noise.json", "fidelity.json", "other.json")))
        source = draw(st.sampled_from(SIDE_FILES))
        files[name] = draw(mutations.damaged(source))
    return files


ORIGINALS = originals()
SIDE_FILES = [path.read_bytes() for path in sorted((ROOT / "reports").rglob("fidelity.json"))[:1]]
SIDE_FILES += [path.read_bytes() for path in sorted((ROOT / "reports").rglob("noise.json"))[:1]]

examples = st.tuples(runs(), st.lists(st.sampled_from(VERBS), min_size=1, max_size=3, unique=True))

# --- one example -------------------------------------------------------------------------------


def check(files: dict[str, bytes], verbs: list[tuple[str, str]]) -> None:
    """Raise Broken where one verb breaks a property on these files of a stranger."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
        home = Path(made).resolve()
        given, out, scratch, here = (home / name for name in ("given", "out", "tmp", "here"))
        for folder in (given / "good", given / "spoiled", out, scratch, here):
            folder.mkdir(parents=True)
        (given / "good" / "journal.jsonl").write_bytes(encode(GOOD) + b"\n")
        for name, content in files.items():
            (given / "spoiled" / name).write_bytes(content)
        before = tree(given)
        for verb, answer in verbs:
            try:
                _verb(verb, answer, given, out, scratch, here)
                if tree(given) != before or any(here.iterdir()):
                    raise Broken(f"{verb}: wrote into what it was given")
            except Broken:
                kept = KEPT / verb.split()[0]
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(given, kept)
                raise


def _verb(verb: str, answer: str, given: Path, out: Path, scratch: Path, here: Path) -> None:
    places = {"S": given, "G": given / "good", "B": given / "spoiled"}
    words = [str(places.get(word, word)) for word in verb.split()]
    words = [word.replace("O/", f"{out}/", 1) if word.startswith("O/") else word for word in words]
    words = [word.replace("B/", f"{places['B']}/") if word[:2] == "B/" else word for word in words]
    shutil.rmtree(out)
    out.mkdir()
    began = time.monotonic()
    code, said, complained, elsewhere = _called(words, (out, scratch), scratch, here)
    if elsewhere:
        raise Broken(f"{verb}: writes elsewhere: {elsewhere[:3]}")
    if code not in CODES:
        raise Broken(f"{verb}: exit code {code}: {complained[-1500:]}")
    if time.monotonic() - began > MOST_SECONDS:
        raise Broken(f"{verb}: took over {MOST_SECONDS} s")
    if not _answers(answer, code, said, out):
        raise Broken(f"{verb}: the good record is not in its answer: {code}: {complained[-1500:]}")


def _called(
    words: list[str], allowed: tuple[Path, ...], scratch: Path, here: Path
) -> tuple[object, str, str, list[str]]:
    """Return exit code, standard output, standard error and what was written elsewhere."""
    said, complained = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    where, temporary = Path.cwd(), tempfile.tempdir
    os.chdir(here)
    tempfile.tempdir = str(scratch)
    code: object
    try:
        with (
            writes_only(allowed) as elsewhere,
            time_limit(2 * MOST_SECONDS),
            redirect_stdout(said),
            redirect_stderr(complained),
        ):
            code = main(words)
    except TooSlow:
        code = "none: it did not end"
    except Exception as error:
        code = f"none but {type(error).__name__}: {error}"[:500]
        traceback.print_exc(file=complained)
    finally:
        os.chdir(where)
        tempfile.tempdir = temporary
    texts = []
    for stream in (said, complained):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode(errors="replace"))  # type: ignore[attr-defined]
    return code, texts[0], texts[1], elsewhere


def _answers(answer: str, code: object, said: str, out: Path) -> bool:
    """Return whether the good record is where the verb should have it."""
    if answer == "":
        return True
    if answer == "count":
        return code in (0, 2) and json.loads(said)["records"] >= 1
    if code != 0:
        return False
    if answer == "id":
        return GOOD.record_id in said
    if answer == "page":
        return any(GOOD.record_id in page.name for page in (out / "site/records").iterdir())
    if answer.startswith("O/"):
        return GOOD.record_id in (out / answer[2:]).read_text(encoding="utf-8")
    return True


# --- for as long as wanted ---------------------------------------------------------------------


def hunt(seconds: float, seed: int, tell: Callable[[str], None] = lambda text: None) -> int:
    """Try examples for so long and return how many; raises what hypothesis found, made small."""
    tried = 0
    until = time.monotonic() + seconds

    def one(example: tuple[dict[str, bytes], list[tuple[str, str]]]) -> None:
        nonlocal tried
        tried += 1
        check(*example)

    while time.monotonic() < until:
        quiet = {"deadline": None, "database": None, "print_blob": False}
        settings = hypothesis.settings(
            max_examples=ROUND, suppress_health_check=list(HealthCheck), **quiet
        )
        wanted = hypothesis.given(examples)(one)
        settings(hypothesis.seed(seed)(wanted))()
        tell(f"seed {seed}: {tried:,} folders so far")
        seed += 1
    return tried


def command() -> int:
    """Fuzz for as long as asked and return the exit code."""
    parser = argparse.ArgumentParser(description="Spoil result files and read them, verb by verb.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, help="(default: a random one, which is printed)")
    given = parser.parse_args()
    seed = random.randrange(10**6) if given.seed is None else given.seed
    print(f"{given.seconds:g} s from seed {seed}", flush=True)
    tried = hunt(given.seconds, seed, lambda text: print(text, flush=True))
    print(f"{tried:,} folders, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(command())
