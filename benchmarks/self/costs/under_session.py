"""One side of the pair: the case under the suite's session, drawing its progress on a terminal.

``under_session.py CACHE OUT READY`` writes JSON: the end of every steady step
(``time.monotonic()``), this process's own CPU seconds while they ran, and which build of Python
ran it. READY gets the worker's process id once steady steps begin. Standard output should be a
terminal.
"""

import platform
import sys
import sysconfig
import time
from pathlib import Path

import msgspec

from benchmarks.self.costs.case import first_counted, paired_case
from suite.catalog import profile as profiles
from suite.run import planning
from suite.run.case.session import Session
from suite.run.progress.choose import reporter
from suite.wire import Start


def main(cache: Path, out: Path, ready: Path) -> None:
    """Run the case once."""
    case = paired_case()
    plan = planning.make(profiles.load("cpu"), tier="smoke", argv=("benchmarks/self",))
    plan = msgspec.structs.replace(plan, cases=(case,))
    work = cache / "work"
    work.mkdir(parents=True, exist_ok=True)
    start = Start(
        case=case,
        device="cpu",
        weights="dummy",
        cache=str(cache),
        compiled=str(cache / "compiled"),
    )
    with reporter(out.parent, plan, (), json=False) as told:
        told.case_begun(case, 1, 1, 1, 1)
        session = Session(start, reporter=told, folder=work)
        try:
            session.prepare()
            session.warm_up()
            ready.write_text(str(session.process.pid))
            began, began_cpu = time.monotonic(), time.process_time()
            while session.steady_steps_left:
                session.step()
            cpu_seconds, wall_seconds = time.process_time() - began_cpu, time.monotonic() - began
            session.finish()
        finally:
            session.close()
    ends = [span.ended for span in session.step_spans[first_counted(case) - 1 :]]
    found = {"ends": ends, "cpu_seconds": cpu_seconds, "wall_seconds": wall_seconds}
    out.write_bytes(msgspec.json.encode(found | {"python": _python()}))


def _python() -> str:
    """Return the version of this Python and how it was built: two builds differ in speed."""
    return f"{platform.python_version()} configured with {sysconfig.get_config_var('CONFIG_ARGS')}"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
