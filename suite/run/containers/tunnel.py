"""A way to an engine on another machine through OpenSSH, with its own settings, keys and agent."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from suite.errors import WrongMachine

CONNECT_SECONDS = 20
USUAL = "/var/run/docker.sock"


class Tunnel:
    """A socket here that is the engine's socket there, until ``close``.

    ``ssh`` itself instead of a Python client: what works at the user's prompt works here.
    """

    def __init__(self, address: str) -> None:
        """Connect to ``ssh://[user@]host[:port][/path/of/socket]``; raises WrongMachine."""
        parts = urlsplit(address)
        if not parts.hostname:
            raise WrongMachine(f"DOCKER_HOST {address!r} names no host")
        if shutil.which("ssh") is None:
            raise WrongMachine(f"{address} needs OpenSSH, and there is no ssh command here")
        self._folder = tempfile.mkdtemp(prefix="tunebench-")
        socket = Path(self._folder) / "docker.sock"
        self.base = f"unix://{socket}"
        there = parts.path if len(parts.path) > 1 else USUAL
        self._said = (Path(self._folder) / "ssh.log").open("w+")
        command = ["ssh", "-nNT", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes"]
        command += ["-o", "ServerAliveInterval=15", "-o", f"ConnectTimeout={CONNECT_SECONDS}"]
        command += ["-p", str(parts.port)] if parts.port else []
        command += ["-l", parts.username] if parts.username else []
        # A session of its own: Ctrl-C is for us, who still have a container to stop through it.
        self._process = subprocess.Popen(
            [*command, "-L", f"{socket}:{there}", "--", parts.hostname],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            start_new_session=True,
        )
        try:
            self._wait(address, socket)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End ssh and remove the socket."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._said.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self, address: str, socket: Path) -> None:
        limit = time.monotonic() + CONNECT_SECONDS + 5
        while not socket.exists():
            if self._process.poll() is not None or time.monotonic() > limit:
                self._said.seek(0)
                said = (self._said.read().strip().splitlines() or ["no answer"])[-1]
                raise WrongMachine(
                    f"{address} cannot be reached: {said}",
                    hint="Try ssh to that host: it must let you in without a question.",
                )
            time.sleep(0.05)
