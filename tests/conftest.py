"""On CI nothing may be skipped: a skip there means that a tool or package is not installed."""

import os

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("skipped tests count as failures on CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
