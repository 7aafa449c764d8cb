"""Measure the device's ceilings in a process of its own, so that no case inherits its memory."""

import subprocess
import sys
from pathlib import Path

import msgspec

from suite.wire import Probe

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 180


def probe(device: str) -> tuple[Probe | None, str]:
    """Return the probe and an empty string, or None and the reason why there is none."""
    command = [sys.executable, "-m", "suite.worker.probe", device]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return None, f"the probe took longer than {TIMEOUT_SECONDS} s"
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return None, f"the probe ended with {done.returncode}: {last}"
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Probe), ""
