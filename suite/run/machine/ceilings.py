"""Measure the device's ceilings in a process of its own, so that no case inherits its memory."""

import os
import subprocess
import sys
from collections.abc import Mapping

import msgspec

from suite.paths import ROOT
from suite.wire import Probe

TIMEOUT_SECONDS = 180


def probe(device: str, environment: Mapping[str, str] | None = None) -> tuple[Probe | None, str]:
    """Return the probe and an empty string, or None and the reason why there is none.

    The process ends with this one, also when this one is killed.
    """
    theirs, ours = os.pipe()  # the kernel closes our end, however we die
    command = [sys.executable, "-m", "suite.worker.machine.probe", device, str(theirs)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            cwd=ROOT,
            env=environment,
            pass_fds=(theirs,),
            start_new_session=True,  # a group of its own, which the guard kills whole
        )
    except subprocess.TimeoutExpired:
        return None, f"the probe took longer than {TIMEOUT_SECONDS} s"
    finally:
        os.close(theirs)
        os.close(ours)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return None, f"the probe ended with {done.returncode}: {last}"
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Probe), ""
