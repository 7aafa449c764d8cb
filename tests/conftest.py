"""On CI a skip means that a tool or package is not installed there, which is a failure.

The exception is what no installation can give: the right to mount a file system.
"""

import os
import signal

import pytest

ALLOWED = ("mounting", "may not mount")


def pytest_configure() -> None:
    """Let the programs under test hear signals, however these tests were started.

    Under nohup, or in the background of a script, a process and its children ignore some of them.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if any(not any(words in str(report.longrepr) for words in ALLOWED) for report in skipped):
        reporter.write_line("\nskipped tests count as failures on CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
