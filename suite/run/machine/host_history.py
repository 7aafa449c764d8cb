"""Is this machine's host as fast as it was before? Its probes of earlier launches tell.

They are kept in the cache folder, the newest ``MOST`` of all machines that share it. A host that
is slower than before makes steps slower that wait for it, and nothing else in a record shows it.
"""

import contextlib
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from suite import units
from suite.errors import BadInput
from suite.results.hosts import RATES
from suite.results.record import Finding
from suite.results.storage.folder import open_folder
from suite.wire import HostProbe

FILE = "host-probes.jsonl"
MOST = 50  #: lines of the file
LEAST = 3  #: earlier probes, from which on they are a measure
#: Share of the median of earlier probes. Virtual machines vary by a quarter within minutes, and
#: then steps that wait for the host do so as well: worth a warning, no reason to stop.
SLOW = 0.75

NAME = "host speed"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One line: a probe, and what it is compared by beside the processor's own numbers."""

    cpu: str
    python: str
    host: HostProbe

    @property
    def machine(self) -> object:
        """Return what two probes share that may be compared."""
        host = self.host
        return (self.cpu, self.python, host.cpu_family, host.cpu_model, host.cpu_stepping)


def finding(folder: Path, host: HostProbe | None, *, cpu: str, python: str) -> Finding:
    """Return what this probe says beside this machine's earlier ones, and keep it in ``folder``.

    ``cpu`` is the processor's name, ``python`` the version that was probed. Warns of a rate below
    ``SLOW`` of the median of earlier ones. Lines that cannot be read are left out. A folder that
    cannot be written is said, and no error.
    """
    if host is None:
        return Finding(name=NAME, status="unknown", detail="the host was not probed")
    kept = Kept(cpu=cpu, python=python, host=host)
    lines = _lines(folder / FILE)
    earlier = [line.host for line in lines if line.machine == kept.machine]
    status, words = _compared(host, earlier)
    content = b"".join(msgspec.json.encode(line) + b"\n" for line in [*lines, kept][-MOST:])
    try:
        with open_folder(folder.resolve(), make=True) as opened:
            opened.write(FILE, content)  # of two launches that do so at once, one may be lost
    except OSError as error:
        words += f"; not kept for later repeats: {error.strerror}"
    except BadInput as error:
        words += f"; not kept for later repeats: {error.message}"
    return Finding(name=NAME, status=status, detail=words)


def _compared(
    host: HostProbe, earlier: Sequence[HostProbe]
) -> tuple[Literal["ok", "warn", "unknown"], str]:
    slow, compared = [], 0
    for rate in RATES:
        now = rate.of(host)
        before = [value for probe in earlier if (value := rate.of(probe)) is not None]
        if now is None or len(before) < LEAST:
            continue
        usual = statistics.median(before)
        compared = max(compared, len(before))
        if now < SLOW * usual:
            share = units.percent(now / usual)
            slow.append(f"{rate.title} {share} of usual ({rate.text(now)}, {rate.text(usual)})")
    if not compared:
        return "unknown", f"fewer than {LEAST} earlier probes on this machine to compare with"
    if not slow:
        return "ok", f"in line with {compared} earlier probes on this machine"
    words = f"slower than the median of {compared} earlier probes on this machine"
    return "warn", f"{words}: {'; '.join(slow)}. Steps that wait for the host will take longer"


def _lines(path: Path) -> list[Kept]:
    """Return the lines of the file, oldest first, without those that are damaged."""
    try:
        text = path.read_bytes()
    except OSError:
        return []
    found = []
    for line in text.splitlines():
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            found.append(msgspec.json.decode(line, type=Kept))
    return found
