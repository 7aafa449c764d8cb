"""Room on the interpreter's own stack, so that how deep a call stands does not decide its cost.

CPython keeps the frames of Python functions in chunks of 16 KiB. From 3.11 on it hands a chunk
back to the kernel as soon as the call that needed it returns (python/cpython#142183; mended in
later releases of 3.13 and 3.14). Code that calls again and again from the end of a chunk pays for
mmap, a page fault and munmap each time. Whether a training step does is up to the size of all
frames below the trainer, and those are the suite's: ``docs/python-stack.md`` has the figures.
"""

from collections.abc import Callable

#: Words that one frame claims. CPython asks for these and 1,000 more, rounded up to a power of
#: two, here 256 KiB: what is left holds about 15,000 words, some 500 frames.
CLAIMED_WORDS = 17_000


def with_room(function: Callable[[], None]) -> None:
    """Call ``function`` so that all frames it leads to in this thread lie in one chunk."""
    _claim(function)


def _claim(function: Callable[[], None]) -> None:
    function()


_claim.__code__ = _claim.__code__.replace(co_stacksize=CLAIMED_WORDS)
