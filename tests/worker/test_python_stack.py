"""Room on the interpreter's stack: calls cost the same at every depth."""

import resource
import sys
from collections.abc import Callable

import pytest

from suite.worker.python_stack import with_room

WORDS_OF_A_CHUNK = 16_384 // 8
CALLS = 200


def _leaf() -> None:
    pass


def _calls() -> None:
    for _ in range(CALLS):
        _leaf()


def _most_faults_at_any_depth() -> int:
    """Return the most page faults that ``CALLS`` calls take, over every place in a chunk."""

    def deeper() -> None:
        _calls()

    most = 0
    for words in range(2, WORDS_OF_A_CHUNK + 50, 3):
        deeper.__code__ = deeper.__code__.replace(co_stacksize=words)
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        deeper()
        most = max(most, resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)
    return most


def _called_with_room(function: Callable[[], int]) -> int:
    answers: list[int] = []
    with_room(lambda: answers.append(function()))
    return answers[0]


@pytest.mark.skipif(sys.platform != "linux", reason="counts a thread's page faults")
def test_no_depth_costs_a_page_fault_a_call() -> None:
    """Without room one depth takes a page fault a call, on a Python that is not mended."""
    assert _called_with_room(_most_faults_at_any_depth) < CALLS / 2


def test_what_is_raised_comes_through() -> None:
    """A case that fails fails as it would without room."""

    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        with_room(fail)
