"""The pytest plugin: options of a run, its cases as parameters, and the fixture that trains.

``benchmarks/conftest.py`` loads it, so ``pytest benchmarks`` works by itself and writes a run
folder; ``suite.run.launch`` brings its own run along instead.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from suite import screen
from suite.catalog.case import Case
from suite.catalog.loops import Loop
from suite.errors import SuiteError
from suite.results.record import Record
from suite.results.storage.run_folder import Plan, create
from suite.run import planning
from suite.run.case.measurement import CaseFailed, Measurement
from suite.run.case.outcome import one_line
from suite.run.launch import Launch
from suite.run.machine.environment import resolve_profile
from suite.run.progress.reporter import NullReporter
from suite.run.pytest_front import benchmark_json
from suite.run.pytest_front.clock import clock
from suite.signals import Signals

LAUNCH = pytest.StashKey[Launch]()
PLAN = pytest.StashKey[Plan]()
BENCHMARKS = pytest.StashKey[list[Any]]()
ENDED_BY = pytest.StashKey[BaseException | None]()  #: of a test that was not interrupted


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a run."""
    add = parser.getgroup("tunebench").addoption
    add("--profile", default="auto", help="hardware profile (default: auto, by the GPU's name)")
    add("--tier", help="how much to run (default: the profile's)")
    add("--models", type=_names, default=(), metavar="A,B", help="models instead of the tier's")
    add("--methods", type=_names, default=(), metavar="X,Y", help="methods instead of the tier's")
    add("--loop", choices=get_args(Loop), help="trainer (default: the profile's)")
    add("--seed", type=int, default=planning.SEED, help="seed of weights, adapters and data")
    add(
        "--weights",
        default="dummy",
        help="dummy (random weights, default), hub, or a checkpoint folder",
    )
    add("--out", type=Path, metavar="DIR", help="where results go (default: runs/<time>)")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give pytest-benchmark the workers' clock; refuse what would spoil measurements."""
    if config.getoption("dist", "no") != "no" or "PYTEST_XDIST_WORKER" in os.environ:
        raise pytest.UsageError("benchmarks run one at a time: leave pytest-xdist's -n away")
    if not config.pluginmanager.hasplugin("benchmark"):
        raise pytest.UsageError("benchmarks need the plugin pytest-benchmark")
    config.option.benchmark_timer = "suite.run.pytest_front.clock.worker_clock"
    config.stash[BENCHMARKS] = []


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Make the plan, unless a launch was brought along."""
    config = session.config
    if LAUNCH in config.stash:
        return
    option = config.option
    try:
        config.stash[PLAN] = planning.make(
            resolve_profile(option.profile),
            tier=option.tier,
            loop=option.loop,
            launches=1,
            seed=option.seed,
            weights=option.weights,
            models=option.models,
            methods=option.methods,
            argv=("pytest", "benchmarks"),
        )
    except SuiteError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each case that is left to run."""
    if "case" not in metafunc.fixturenames:
        return
    stash = metafunc.config.stash
    cases = stash[LAUNCH].pending if LAUNCH in stash else stash[PLAN].cases
    metafunc.parametrize("case", cases, ids=[case.case_id for case in cases])


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Create the run folder, unless a launch was brought along; end in order on signals."""
    stash = session.config.stash
    if LAUNCH in stash or session.config.option.collectonly or session.testsfailed:
        return (yield)
    plan = stash[PLAN]
    try:
        run = create(session.config.option.out or planning.RUNS / plan.run_id, plan)
    except SuiteError as error:
        raise pytest.UsageError(str(error)) from error
    session.config.add_cleanup(run.close)
    stash[LAUNCH] = launch = Launch(run, 1, NullReporter())
    session.config.add_cleanup(launch.close)
    with Signals():
        return (yield)


class Training:
    """One case as a benchmark sees it."""

    def __init__(self, measurement: Measurement) -> None:
        self._measurement = measurement

    @property
    def steady_steps(self) -> int:
        """Return how many steady steps the case asks for; ask once it has warmed up."""
        return self._measurement.steady_steps

    def warm_up(self) -> None:
        """Start the worker, take the first step and warm up by the case's rule."""
        self._measurement.warm_up()

    def step(self) -> None:
        """Take one steady step; pytest-benchmark's clock moves by the worker's own seconds."""
        clock.advance(self._measurement.step().seconds)

    def finish(self) -> None:
        """Let the worker end, check the work and keep the record."""
        self._measurement.finish()


@pytest.fixture
def training(request: pytest.FixtureRequest, case: Case, benchmark: Any) -> Iterator[Training]:
    """Train one case in a process of its own; its record is kept whatever happens."""
    launch = request.config.stash[LAUNCH]
    # Names in its JSON, also for --benchmark-group-by=param:model, where it would have the case.
    benchmark.params = {
        "case_id": case.case_id,
        "model": case.model.name,
        "method": case.method.name,
    }
    measurement = launch.measurement(case)
    unsupported = measurement.refuse_unsupported()
    if unsupported is not None:
        # In set-up: a skip inside the timed target would leave half a benchmark in the JSON.
        _keep_json(request.config, launch)
        pytest.skip(f"unsupported: {unsupported.reason}")
    clock.reset()
    try:
        yield Training(measurement)
    finally:
        measurement.close()
    stopped = ENDED_BY not in request.node.stash or launch.stopped_by is not None
    record = measurement.record
    if record is None and not stopped:
        record = _abandoned(measurement, request.node.stash[ENDED_BY])
    if record is None or record.outcome != "ok":
        benchmark.has_error = True  # its statistics are not a result
    elif benchmark.stats is not None:
        benchmark.extra_info |= {
            "case_id": record.case_id,
            "record_id": record.record_id,
            "run_id": record.run_id,
        }
        request.config.stash[BENCHMARKS].append(benchmark.stats)
    if record is not None:
        _keep_json(request.config, launch)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how a benchmark ended; stop when the machine, not the case, is at fault."""
    report = yield
    error = call.excinfo.value if call.excinfo is not None else None
    if call.when == "call":
        item.stash[ENDED_BY] = error
    if isinstance(error, CaseFailed):
        report.longrepr = "\n".join(map(screen.line, (str(error), *error.record.output_tail)))
    if isinstance(error, (SuiteError, OSError)) and LAUNCH in item.config.stash:
        item.config.stash[LAUNCH].stopped_by = error
        item.session.shouldstop = one_line(f"{type(error).__name__}: {error}")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the records are."""
    stash = terminalreporter.config.stash
    if LAUNCH in stash:
        run = stash[LAUNCH].run
        terminalreporter.write_line(f"{len(run.records)} results in {run.folder}")


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_benchmark_generate_machine_info(config: pytest.Config) -> dict[str, Any] | None:
    """Replace pytest-benchmark's own, which names the host and asks the processor for seconds."""
    if LAUNCH not in config.stash:
        return None
    return benchmark_json.machine_info(config.stash[LAUNCH].setting().environment)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Add the plan and the outcome of every case, also of those that pytest-benchmark drops."""
    if LAUNCH in config.stash:
        output_json["tunebench"] = benchmark_json.outcomes(config.stash[LAUNCH])


def _abandoned(measurement: Measurement, error: BaseException | None) -> Record:
    """Keep a record of a case whose benchmark did not come to its end."""
    if isinstance(error, pytest.skip.Exception):
        return measurement.abandon("skipped", str(error))
    words = f"{type(error).__name__}: {error}" if error else "it did not call training.finish()"
    return measurement.abandon("error", f"the benchmark ended early: {words}")


def _keep_json(config: pytest.Config, launch: Launch) -> None:
    benchmarks: list[Any] = config.stash[BENCHMARKS]
    benchmark_json.write(config, launch, benchmarks)


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))
