"""What a worker's last output says of its end, in one useful line."""

import subprocess
import sys

import pytest

from suite.run.case import outcome

#: As CPython 3.11 writes it, shortened.
STACK = """
Loading weights
Fatal Python error: Segmentation fault

Thread 0x00007f1 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 331 in wait

Current thread 0x00007f2 (most recent call first):
  File "<frozen runpy>", line 198 in _run_module_as_main
  File "/cache/overlays/8924ed6c9f8a4e3a/bitsandbytes/functional.py", line 900 in quantize_4bit
  File "/v/lib/python3.11/site-packages/transformers/modeling_utils.py", line 5 in from_pretrained

Extension modules: msgspec._core, torch._C (total: 99)
""".splitlines()
#: Of a crash in a thread that is none of Python's: the main thread comes last.
OTHER = [line.replace("Current thread", "Thread") for line in STACK]
PLACE = "bitsandbytes/functional.py, line 900, in quantize_4bit"


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        (STACK, f"Segmentation fault at {PLACE}"),
        (OTHER, f"Segmentation fault at {PLACE}"),
        (STACK[7:], f"stopped at {PLACE}"),  # the head has left the kept lines
        (["Fatal Python error: "], "no stack: it wrote no place; several threads may have"),
        (["Fatal Python error: Aborted", "Extension modules: x"], "Aborted: it wrote no place"),
        (["something", "  a last line ", ""], "its last words: a last line"),
        (["", " "], ""),
    ],
)
def test_the_place_of_a_crash_is_said_and_not_its_heading(tail: list[str], said: str) -> None:
    """The innermost line of the thread that crashed; without a stack, that there was none."""
    found = outcome.last_words(tail)
    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_the_place_is_found_in_what_this_python_writes() -> None:
    """A real crash in a thread, as workers train in one: the function that ended it is named."""
    code = (
        "import ctypes, threading\n"
        "def culprit():\n    ctypes.string_at(0)\n"
        "t = threading.Thread(target=culprit); t.start(); t.join()\n"
    )
    command = [sys.executable, "-X", "faulthandler", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode < 0
    found = outcome.of_exit(done.returncode, "load", done.stderr.splitlines(), oom_killed=None)
    assert "crashed with SIGSEGV; Segmentation fault at" in found.reason
    assert "in string_at" in found.reason
