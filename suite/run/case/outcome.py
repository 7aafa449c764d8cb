"""How a worker's end is told: an outcome, a phase and one line that says why."""

import re
import signal
from collections.abc import Sequence

from suite.results.record import Outcome
from suite.wire import Failure, PhaseName

REASON_CHARACTERS = 500

# Sent by the outside world; the others are what a crash looks like.
FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)

OUT_OF_MEMORY = (
    "MemoryError",
    "std::bad_alloc",
    "Cannot allocate memory",
    "can't allocate memory",
    "out of memory",
)

#: How faulthandler begins the lines that it writes of a crash.
_FATAL, _CURRENT, _MODULES = "Fatal Python error:", "Current thread 0x", "Extension modules:"
_THREAD = (_CURRENT, "Thread 0x")
_INSTALLED = re.compile(r"/site-packages/|/overlays/[0-9a-f]+/")
_PLACE = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>.+)')


class Ended(Exception):
    """The worker's story is over before its measurement was whole."""

    def __init__(
        self, outcome: Outcome, phase: PhaseName, reason: str, failure: Failure | None = None
    ) -> None:
        super().__init__(reason)
        self.outcome: Outcome = outcome
        self.phase: PhaseName = phase
        self.reason = one_line(reason)
        self.failure = failure


def of_failure(failure: Failure) -> Ended:
    """Return the end that the worker told of itself."""
    message = one_line(failure.message) or f"{failure.kind}, without a message"
    return Ended(failure.kind, failure.phase, message, failure)


def of_exit(
    exit_code: int, phase: PhaseName, tail: Sequence[str], *, oom_killed: bool | None
) -> Ended:
    """Return the end of a worker that left without a word.

    ``exit_code`` is negative for a signal; ``oom_killed`` whether the kernel counted an OOM kill
    meanwhile, None where it does not say.
    """
    words = last_words(tail)
    said = f"; {words}" if words else ""
    if exit_code < 0:
        name = _signal_name(-exit_code)
        if -exit_code == signal.SIGKILL:
            return _killed(phase, oom_killed)
        if -exit_code in FROM_OUTSIDE:
            return Ended("killed", phase, f"the worker was ended by {name} from outside{said}")
        outcome: Outcome = "oom" if _speaks_of_memory(tail) else "error"
        return Ended(outcome, phase, f"the worker crashed with {name}{said}")
    if exit_code != 0 and _speaks_of_memory(tail):
        return Ended("oom", phase, f"the worker exited with code {exit_code}{said}")
    return Ended(
        "error", phase, f"the worker exited with code {exit_code} before it was finished{said}"
    )


def last_words(tail: Sequence[str]) -> str:
    """Return what a worker's output says of its end: the place of a crash, else its last line.

    Of the stacks that faulthandler writes that is the innermost line of the thread that crashed;
    where that is none of Python's (a library's own thread), of the last one, the main thread. It
    writes none where a second thread crashes before it has begun.
    """
    lines = [line.strip() for line in tail if line.strip()]
    fatal = next((n for n, line in enumerate(lines) if line.startswith(_FATAL)), None)
    threads = [n for n, line in enumerate(lines) if line.startswith(_THREAD)]
    last_thread = threads[-1] if threads else fatal
    current = next((n for n in threads if lines[n].startswith(_CURRENT)), last_thread)
    if current is not None:
        error = "" if fatal is None else lines[fatal].removeprefix(_FATAL).strip()
        for line in lines[current:]:
            if (place := _PLACE.match(line)) and not place["file"].startswith("<frozen"):
                where = f"{_within(place['file'])}, line {place['line']}, in {place['function']}"
                return f"{error or 'stopped'} at {where}"
        return (
            f"{error or 'no stack'}: it wrote no place; several threads may have crashed at once"
        )
    last = next((line for line in reversed(lines) if not line.startswith(_MODULES)), "")
    return f"its last words: {last}" if last else ""


def _within(path: str) -> str:
    """Return a file's path from its package on, where it is in one; of an overlay likewise."""
    return _INSTALLED.split(path)[-1]


def one_line(text: str) -> str:
    """Return the text as one line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= REASON_CHARACTERS else line[: REASON_CHARACTERS - 1] + "…"


def _killed(phase: PhaseName, oom_killed: bool | None) -> Ended:
    if oom_killed:
        return Ended(
            "oom", phase, "the kernel's OOM killer ended the worker: not enough host memory"
        )
    hint = (
        "the kernel counts no OOM kill, so somebody sent it"
        if oom_killed is False
        else "the kernel's OOM killer may have sent it: compare host memory with the model's size"
    )
    return Ended("killed", phase, f"the worker was ended by SIGKILL; {hint}")


def _speaks_of_memory(tail: Sequence[str]) -> bool:
    return any(words in line for line in tail[-5:] for words in OUT_OF_MEMORY)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
