"""What a report of many records costs: to build, to open, beside ``pytest-benchmark compare``.

The records are made up (``synthetic.py``) in a folder that is gone afterwards.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from pytest_benchmark.stats import Stats

from benchmarks.self.costs import synthetic
from suite.paths import RESULTS, ROOT
from suite.results.storage.reader import read

PAGES = ("index.html", "all-results.html")


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Wall clock, processor time and the most memory of a process and those it started, together.

    Pages of memory that they share count once; sampled every 200 ms on Linux, elsewhere that of
    the largest. Processor time tells more than wall clock of a machine that others use as well.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """One page: its bytes with style and script, and seconds until its script has run."""

    page: str
    page_bytes: int
    seconds: float | None  #: None where there is no browser


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of pages by themselves: the overview, the largest of a record, the largest of all."""

    overview_bytes: int
    record_bytes: int
    largest_bytes: int
    largest: str


class ReportCost(msgspec.Struct, frozen=True, kw_only=True):
    """A report of ``records``; ``compare`` is pytest-benchmark's, of as many benchmarks."""

    records: int
    build: Cost
    compare: Cost
    weight: Weight
    opened: tuple[Opened, ...]


def measured(sizes: Sequence[int]) -> Iterator[ReportCost]:
    """Yield the cost at each number of records."""
    for records in sizes:
        with tempfile.TemporaryDirectory(prefix="tunebench-synthetic-") as folder:
            given, site = Path(folder) / "given", Path(folder) / "site"
            synthetic.write(given, records)
            build = _run([sys.executable, "-m", "suite", "report", str(given), "--out", str(site)])
            listed = Path(folder) / "benchmarks.json"
            listed.write_bytes(_benchmarks(given))
            tool = str(Path(sys.executable).with_name("pytest-benchmark"))
            yield ReportCost(
                records=records,
                build=build,
                compare=_run([tool, "compare", str(listed)]),
                weight=_weight(site),
                opened=tuple(_opened(site)),
            )


def one_file() -> Opened:
    """Return the published results as one file, at the page of all results, the longest table."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "report.html"
        command = [sys.executable, "-m", "suite", "report", str(RESULTS), "--single-file"]
        _run([*command, "--out", str(place)])
        seconds = _seconds_to_open(f"{place.as_uri()}#all-results")
        return Opened(page=place.name, page_bytes=place.stat().st_size, seconds=seconds)


def _run(command: Sequence[str]) -> Cost:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, cwd=ROOT, env=environment)
        peak, ended = 0, 0
        while not ended:
            peak = max(peak, _resident(process.pid))
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            time.sleep(0.2)  # asking costs the process time: some 10 ms for a large one
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{said.read()[-4000:].decode()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=max(peak, usage.ru_maxrss * unit),
    )


def _resident(pid: int) -> int:
    """Return the memory of a process and its children in bytes now, 0 where Linux is not asked."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            total += int(line.split()[1]) * 1024 if line.startswith("Pss:") else 0
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            total += _resident(int(child))
    except (OSError, ProcessLookupError):  # it has ended meanwhile
        return total
    return total


def _benchmarks(given: Path) -> bytes:
    """Return the same cases as a file of pytest-benchmark's, their steps as its rounds."""
    found = []
    for record in read([given]).records:
        stats = Stats()
        for step in record.steps:
            stats.update(step.seconds)
        if not record.steps:
            stats.update(record.wall_seconds or 1.0)
        name = f"test_train[{record.case_id}-{record.profile}]"
        found.append(
            {
                "group": None,
                "name": name,
                "fullname": f"benchmarks/test_train.py::{name}",
                "params": None,
                "param": record.case_id,
                "extra_info": {},
                "options": {},
                "stats": {**stats.as_dict(), "iterations": 1},
            }
        )
    return msgspec.json.encode(
        {
            "machine_info": {},
            "commit_info": {},
            "datetime": "2026-01-01T00:00:00+00:00",
            "version": "5.0.0",
            "benchmarks": found,
        }
    )


def _weight(site: Path) -> Weight:
    sizes = {path: path.stat().st_size for path in site.rglob("*.html")}
    largest = max(sizes, key=lambda path: sizes[path])
    return Weight(
        overview_bytes=sizes[site / "index.html"],
        record_bytes=max(size for path, size in sizes.items() if path.parent.name == "records"),
        largest_bytes=sizes[largest],
        largest=largest.relative_to(site).as_posix(),
    )


def _opened(site: Path) -> Iterator[Opened]:
    for page in PAGES:
        held = sum((site / name).stat().st_size for name in (page, "site.css", "site.js"))
        seconds = _seconds_to_open((site / page).as_uri())
        yield Opened(page=page, page_bytes=held, seconds=seconds)


def _seconds_to_open(address: str) -> float | None:
    """Return the time in a fresh browser, or None where there is none."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        return None
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--disable-gpu", "--no-first-run", "--no-sandbox"):
        options.add_argument(argument)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.get("about:blank")
        driver.get(address)
        found = driver.execute_script(
            "return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        )
        return float(found) / 1000
    finally:
        driver.quit()
