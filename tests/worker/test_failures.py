"""What went wrong, in the words of a record."""

import subprocess
import sys

import pytest
import torch

from suite.paths import ROOT
from suite.worker.failures import Unsupported, failure, requested_bytes

CUDA = (
    "CUDA out of memory. Tried to allocate 2.32 GiB. GPU 0 has a total capacity of 139.72 GiB of"
    " which 1.10 GiB is free.\nSee documentation for Memory Management"
)
CPU = (
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory:"
    " you tried to allocate 4294967296 bytes. Error code 12 (Cannot allocate memory)"
)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (CUDA, round(2.32 * 2**30)),
        (CPU, 4294967296),
        ("Tried to allocate 20.00 MiB", 20 << 20),
        ("Tried to allocate 512 bytes", 512),
        ("something else", None),
    ],
)
def test_requested_bytes(message: str, expected: int | None) -> None:
    """The size is read from torch's messages of both allocators, and never guessed."""
    assert requested_bytes(message) == expected


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.OutOfMemoryError(CUDA), "oom"),
        (RuntimeError(CPU), "oom"),
        (MemoryError(), "oom"),
        (Unsupported("no"), "unsupported"),
        (RuntimeError("shapes cannot be multiplied"), "error"),
    ],
)
def test_kinds(error: Exception, kind: str) -> None:
    """Each kind of ending is told apart; memory that ran out comes with a peak and one line."""
    said = failure(error, "steady", 7)
    assert (said.kind, said.phase, said.step) == (kind, "steady", 7)
    if kind == "oom":
        assert said.peak_bytes is not None
        assert "\n" not in said.message
    if kind == "error":
        assert said.message == "RuntimeError: shapes cannot be multiplied"


ONEDNN = """
import resource, sys
from suite.worker.failures import failure
from suite.worker.phases import address_space_peak_bytes

limit = address_space_peak_bytes() * float(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (int(limit), int(limit)))
print(failure(RuntimeError("could not create a primitive"), "steady", 1).kind)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of address space is Linux's")
@pytest.mark.parametrize(("space", "kind"), [("1.05", "oom"), ("2", "error")])
def test_onednn_without_memory_is_out_of_memory(space: str, kind: str) -> None:
    """oneDNN has one text for all its failures; the limit of address space tells which it was."""
    done = subprocess.run(
        [sys.executable, "-c", ONEDNN, space],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
        timeout=120,
    )
    assert done.stdout == f"{kind}\n", done.stderr
