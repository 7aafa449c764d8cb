"""How the tests run: files side by side, one process a core, and nothing skipped on CI.

There a skip means that a tool or package is not installed, which is a failure. The exception is
what no installation can give: the right to mount a file system.
"""

import os
import signal
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ALLOWED = ("mounting", "may not mount")
TESTS = Path(__file__).parent

# So that a helper's assertion shows both sides, as a test's own does.
pytest.register_assert_rewrite("support")

#: Files that share an image or an engine, which is slow to make: one process runs them in turn.
CONTAINERS = (
    "docker/test_cpu_image.py",
    "run/containers/test_launches.py",
    "run/containers/test_errors.py",
    "run/containers/test_elsewhere.py",
    "run/upgrade/test_in_images.py",
)
#: The longest files. They begin first, so that no core waits for the last one; what compares times
#: begins once a quickstart that runs beside these tests on CI has ended.
LONGEST = (
    *CONTAINERS,
    "test_end_to_end.py",
    "reports/test_accessibility.py",
    "verbs/test_calibrate.py",
    "run/upgrade/test_check.py",
    "worker/test_cases.py",
    "worker/test_parallel.py",
    "reports/pages/test_plan_inputs.py",
    "test_every_value.py",
    "benchmarks/test_fidelity.py",
    "verbs/test_probe.py",
    "worker/model/test_engine_weights.py",
    "reports/pages/test_card_pair.py",
    "reports/test_report.py",
)


def pytest_configure() -> None:
    """Let the programs under test hear signals, however these tests were started.

    Under nohup, or in the background of a script, a process and its children ignore some of them.
    """
    # A run refuses to measure beside others. Those of these tests may: their figures do not count.
    os.environ.pop("PYTEST_XDIST_WORKER", None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class FileScheduling(LoadScopeScheduling):
    """Give the tests of a file, which share its fixtures, to one process."""

    def _split_scope(self, nodeid: str) -> str:
        name = nodeid.partition("::")[0].removeprefix("tests/")
        return "containers" if name in CONTAINERS else name


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileScheduling:
    """Share the tests out by files. pytest-xdist's own groups do nothing under pytest 9.2."""
    return FileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    name = item.path.relative_to(TESTS).as_posix()
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if any(not any(words in str(report.longrepr) for words in ALLOWED) for report in skipped):
        reporter.write_line("\nskipped tests count as failures on CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
