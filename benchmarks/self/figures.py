"""What the suite itself costs, against the limits it promises: ``tox -e self``.

Prints a table, writes the same as JSON (``--out``), and exits with 1 if a limit is broken. Takes
minutes and wants the machine for itself. ``--only`` takes some of commands, compare, pairs,
quickstart, one-file, and of what is left out otherwise: containers, which need a Docker engine,
submission, which writes a gigabyte, and report (``tox -e report``).
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.self.costs import compared, containers, pairs, report, submitted
from suite.paths import ROOT
from suite.results.storage.reader import read
from suite.run import utc
from suite.submit.submission import MOST_TASKS

LEAST_PAIRS, MOST_PAIRS = 4, 12
#: Enough pairs once the 95 % interval of their mean is this close to it on either side.
WANTED_MARGIN = 0.01
STEP_LIMIT = 0.02
#: Records of a report, and the most seconds that its site may take on two cores.
REPORT_LIMITS = ((1_000, 6.0), (10_000, 45.0))
COMPARED_RECORDS = 10_000
PAGE_LIMIT_MEGABYTES = 1.5  #: of a page over the first of them
OVERVIEW_LIMIT_KILOBYTES, RECORD_LIMIT_KILOBYTES = 120.0, 100.0


class LimitCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value and the limit it must stay under; ``samples`` are in the same unit."""

    name: str
    unit: str
    value: float
    limit: float
    samples: list[float]
    note: str = ""

    @property
    def kept(self) -> bool:
        """Return whether the limit holds."""
        return self.value <= self.limit


def commands() -> Iterator[LimitCheck]:
    """Yield the time of ``--help`` and ``list``, launcher included: medians of ten."""
    for arguments, limit in ((["--help"], 0.3), (["list"], 0.5)):
        command = [str(ROOT / "tunebench"), *arguments]
        subprocess.run(command, check=True, capture_output=True)  # files into the page cache
        samples = [_seconds(command) for _ in range(10)]
        value = statistics.median(samples)
        name = f"./tunebench {' '.join(arguments)}"
        yield LimitCheck(name=name, unit="s", value=value, limit=limit, samples=samples)


def comparisons() -> Iterator[LimitCheck]:
    """Yield the time of ``compare`` on many records, reading included: the median of three."""
    samples = [compared.seconds(COMPARED_RECORDS) for _ in range(3)]
    yield LimitCheck(
        name=f"./tunebench compare, {COMPARED_RECORDS:,} records",
        unit="s",
        value=statistics.median(samples),
        limit=10.0,
        samples=samples,
        note="half of them a side, five launches a case",
    )


def submission() -> Iterator[LimitCheck]:
    """Yield what ``collect`` of the largest submission costs, before and after all came back."""
    with tempfile.TemporaryDirectory(prefix="tunebench-synthetic-") as work:
        folder = Path(work) / "submission"
        made = submitted.submission(folder, MOST_TASKS)
        idle = submitted.collected(folder)
        results = submitted.come_back(folder, made)
        full = submitted.collected(folder)
    for what, value, limit in (
        ("nothing back yet", idle, 10.0),
        (f"{results:,} back", full, 60.0),
    ):
        yield LimitCheck(
            name=f"./tunebench collect, {MOST_TASKS:,} tasks, {what}",
            unit="s",
            value=value,
            limit=limit,
            samples=[value],
            note="processor time",
        )


def quickstart() -> Iterator[LimitCheck]:
    """Yield the time of quickstart on a fresh clone, then again, and the harness's own seconds."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        subprocess.run(["git", "clone", "-q", str(ROOT), f"{work}/clone"], check=True)
        environment = {**os.environ, "TUNEBENCH_CACHE": str(work / "cache")}
        environment.pop("TUNEBENCH_VENV", None)
        for name, limit in (("first", 600.0), ("second", 180.0)):
            command = [f"{work}/clone/tunebench", "quickstart", "--out", f"{work}/{name}"]
            seconds = _seconds(command, environment)
            yield LimitCheck(
                name=f"quickstart, {name} time",
                unit="s",
                value=seconds,
                limit=limit,
                samples=[seconds],
                note="fresh clone, packages from the index or pip's cache"
                if name == "first"
                else "",
            )
        found = read([work / "first", work / "second"])
        samples = [r.harness_seconds for r in found.records if r.harness_seconds is not None]
        yield LimitCheck(
            name="harness, seconds per case",
            unit="s",
            value=max(samples),
            limit=1.0,
            samples=samples,
            note="the largest; wall clock outside the worker's own phases",
        )


def paired() -> Iterator[LimitCheck]:
    """Yield what a session costs its own process, and the step time under it against alone."""
    taken = list(_pairs(lambda n: pairs.run(first="alone" if n % 2 else "under_session")))
    shares = [pair.cpu_share for pair in taken]
    yield LimitCheck(
        name="session and progress, share of a core",
        unit="share",
        value=statistics.median(shares),
        limit=0.02,
        samples=shares,
        note="CPU seconds of the parent per second of steady steps, on a terminal",
    )
    yield _step_time("step time under the session, above alone", taken)


def in_containers() -> Iterator[LimitCheck]:
    """Yield a container's start, and the step time in one against none."""
    samples = list(containers.first_words(10))
    yield LimitCheck(
        name="container, from its start to the launch's first word",
        unit="s",
        value=max(samples),
        limit=3.0,
        samples=samples,
        note=f"the largest; median {statistics.median(samples):.2f} s",
    )
    taken = list(_pairs(lambda n: containers.pair(container_first=n % 2 == 0)))
    # A build of Python without profile-guided optimization is slower by several percent, which
    # is no matter of containers.
    pythons = frozenset[str]().union(*(pair.pythons for pair in taken))
    note = (
        ""
        if len(pythons) == 1
        else f"; not the same build of Python: {', '.join(sorted(pythons))}"
    )
    yield _step_time("step time in a container, above none", taken, note)


def reports() -> Iterator[LimitCheck]:
    """Yield what a report of 1,000 and of 10,000 records costs, and how its pages open."""
    found = list(report.measured([records for records, _ in REPORT_LIMITS]))
    for each, (_, limit) in zip(found, REPORT_LIMITS, strict=True):
        what, build, other = f"report of {each.records:,} records", each.build, each.compare
        yield LimitCheck(
            name=f"{what}, site built",
            unit="s",
            value=build.seconds,
            limit=limit,
            samples=[build.seconds],
            note=f"{build.cpu_seconds:.1f} s of processor time; pytest-benchmark compare, as many"
            f" benchmarks: {other.seconds:.1f} s, {other.peak_bytes / 1e9:.2f} GB, one table",
        )
        yield LimitCheck(
            name=f"{what}, peak memory",
            unit="GB",
            value=build.peak_bytes / 1e9,
            limit=1.0,
            samples=[build.peak_bytes / 1e9],
        )
        many = each.records / found[0].records
        yield from _weights(what, each.weight, PAGE_LIMIT_MEGABYTES * 1e3 * many)
        for opened in each.opened:
            yield LimitCheck(
                name=f"{what}, {opened.page}",
                unit="MB",
                value=opened.page_bytes / 1e6,
                limit=PAGE_LIMIT_MEGABYTES * each.records / found[0].records,
                samples=[opened.page_bytes / 1e6],
                note="style and script included",
            )
            if opened.seconds is not None:
                yield LimitCheck(
                    name=f"{what}, {opened.page} interactive",
                    unit="s",
                    value=opened.seconds,
                    limit=1.0 * each.records / found[0].records,
                    samples=[opened.seconds],
                    note="in Chromium, from a file; the limit grows with the records",
                )
    small, large = found[0], found[-1]
    growth = (large.build.seconds / large.records) / (small.build.seconds / small.records)
    yield LimitCheck(
        name="report, seconds per record at most against at least",
        unit="×",
        value=growth,
        limit=1.5,
        samples=[growth],
        note="1 is linear growth",
    )


def _weights(what: str, weight: report.Weight, most: float) -> Iterator[LimitCheck]:
    """Yield the weights of pages that a reader waits for, style and script not counted."""
    for name, size, limit in (
        ("overview", weight.overview_bytes, OVERVIEW_LIMIT_KILOBYTES),
        ("largest page of a result", weight.record_bytes, RECORD_LIMIT_KILOBYTES),
        (f"largest page, {weight.largest}", weight.largest_bytes, most),
    ):
        value = size / 1e3
        yield LimitCheck(
            name=f"{what}, {name}", unit="kB", value=value, limit=limit, samples=[value]
        )


def one_file() -> Iterator[LimitCheck]:
    """Yield how large the published results are as one file, and how soon it is open."""
    opened = report.one_file()
    name = "report of the published results in one file"
    megabytes = opened.page_bytes / 1e6
    yield LimitCheck(name=name, unit="MB", value=megabytes, limit=3.0, samples=[megabytes])
    if opened.seconds is not None:
        yield LimitCheck(
            name=f"{name}, interactive",
            unit="s",
            value=opened.seconds,
            limit=1.0,
            samples=[opened.seconds],
            note="in Chromium, at its longest table",
        )


def _pairs(measure: Callable[[int], pairs.InterleavedPair]) -> Iterator[pairs.InterleavedPair]:
    """Yield pairs until their mean is known well enough, or there are too many."""
    logs: list[float] = []
    while len(logs) < LEAST_PAIRS or (
        half_interval(logs) > WANTED_MARGIN and len(logs) < MOST_PAIRS
    ):
        pair = measure(len(logs))
        logs.append(pair.log_ratio)
        print(
            f"  pair {len(logs)}: {math.expm1(pair.log_ratio):+.2%} over {pair.steps} steps",
            flush=True,
        )
        yield pair


def _step_time(name: str, taken: Sequence[pairs.InterleavedPair], note: str = "") -> LimitCheck:
    """Return the mean ratio of step times, less one."""
    logs = [pair.log_ratio for pair in taken]
    mean, margin = statistics.mean(logs), half_interval(logs)
    low, high = math.expm1(mean - margin), math.expm1(mean + margin)
    # An interval wider than the limit neither keeps nor breaks it, whatever its middle.
    known = "" if margin <= STEP_LIMIT else "; too noisy a machine: the limit is not shown to hold"
    return LimitCheck(
        name=name,
        unit="share",
        value=math.expm1(mean),
        limit=STEP_LIMIT,
        samples=[math.expm1(log) for log in logs],
        note=f"mean of {len(logs)} pairs, 95 % interval {low:+.2%} to {high:+.2%}{known};"
        f" tiny steps, so the worst case{note}",
    )


def half_interval(values: Sequence[float]) -> float:
    """Return half the width of the 95 % interval of the mean of two values or more."""
    return student_t(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))


def student_t(freedom: int) -> float:
    """Return the two-sided 95 % quantile of Student's t (Cornish-Fisher; within 1 % from 5 on)."""
    z = statistics.NormalDist().inv_cdf(0.975)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / freedom + second / freedom**2


def _seconds(command: Sequence[str], environment: dict[str, str] | None = None) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return seconds


def main() -> int:
    """Measure, print, write; return the exit code."""
    parts = {
        "commands": commands,
        "compare": comparisons,
        "pairs": paired,
        "quickstart": quickstart,
        "one-file": one_file,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    usual = list(parts)
    parts |= {"containers": in_containers, "submission": submission, "report": reports}
    parser.add_argument("--only", nargs="+", choices=parts, default=usual)
    parser.add_argument("--out", type=Path, help="JSON file (default: in runs/)")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    figures = []
    for part in args.only:
        for figure in parts[part]():
            figures.append(figure)
            print(line(figure), flush=True)
    now = utc.now()
    out = args.out or ROOT / "runs" / f"self-{utc.stamp(now)}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    kept = all(figure.kept for figure in figures)
    document = {
        "at": utc.iso(now),
        "cores": os.cpu_count(),
        "load_before": load,
        "figures": figures,
    }
    out.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
    print(f"{out}\n{'all limits hold' if kept else 'a limit is broken'}")
    return 0 if kept else 1


def line(figure: LimitCheck) -> str:
    """Return one row of the table."""
    form = ".2%" if figure.unit == "share" else ".3f"
    value, limit = format(figure.value, form), format(figure.limit, form)
    unit = "" if figure.unit == "share" else f" {figure.unit}"
    verdict = "ok  " if figure.kept else "OVER"
    return f"{verdict} {figure.name:42} {value:>9}{unit}  limit {limit}{unit}  {figure.note}"


if __name__ == "__main__":
    sys.exit(main())
