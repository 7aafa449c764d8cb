"""Drive pytest: one launch of a run, with its own words kept back."""

import io
from collections.abc import Sequence

import pytest

from suite.errors import SuiteError
from suite.paths import ROOT
from suite.results.storage.run_folder import Run
from suite.run import variables
from suite.run.case.session import WORKER
from suite.run.folders import cache_folder
from suite.run.launch import Launch
from suite.run.progress.reporter import Reporter

BENCHMARKS = ROOT / "benchmarks"


def run_launch(
    run: Run,
    number: int,
    reporter: Reporter,
    *,
    command: Sequence[str] = WORKER,
    probing: bool = True,
) -> None:
    """Run every case that has no record yet in this launch; each gets one.

    pytest-benchmark's JSON goes beside the journal. Raises what interrupted it, with no worker
    left and no record of the case in flight, WrongMachine when the machine or its disk cannot go
    on, SuiteError when a benchmark ended without recording its case.
    """
    state = Launch(run, number, reporter, command=command, probing=probing)
    arguments = [
        *(str(path) for path in sorted(BENCHMARKS.glob("test_*.py"))),
        f"--rootdir={BENCHMARKS.parent}",
        f"--config-file={BENCHMARKS.parent / 'pyproject.toml'}",
        "-pno:cacheprovider",
        "--capture=no",  # the reporter has the terminal; workers write into their records
        "--benchmark-quiet",
        # Nothing is stored there, but pytest-benchmark makes the folder, by default where we are.
        f"--benchmark-storage=file://{cache_folder() / 'pytest-benchmark'}",
    ]
    quiet = Quiet(state)
    try:
        with variables.without_pytest():
            pytest.main(arguments, plugins=[quiet])
    finally:
        state.close()
    if state.stopped_by is not None:
        raise state.stopped_by
    if state.pending:
        missing = ", ".join(case.case_id for case in state.pending)
        raise SuiteError(
            f"repeat {number}: no record of {missing}\n{quiet.said()}",
            hint="A benchmark must use the training fixture to its end.",
        )


class Quiet:
    """A pytest plugin that hands over the launch and keeps pytest's own words to itself."""

    def __init__(self, state: Launch) -> None:
        self._state = state
        self._text = io.StringIO()

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Replace the terminal reporter by one that writes into memory."""
        from suite.run.pytest_front.plugin import LAUNCH

        config.stash[LAUNCH] = self._state
        manager = config.pluginmanager
        manager.unregister(name="terminalreporter")
        manager.register(pytest.TerminalReporter(config, self._text), "terminalreporter")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note a signal; pytest's own stopping, after an error, is not one."""
        if not isinstance(excinfo.value, pytest.Session.Interrupted):
            self._state.stopped_by = excinfo.value

    def said(self) -> str:
        """Return the last of what pytest would have printed."""
        return self._text.getvalue()[-4000:]
