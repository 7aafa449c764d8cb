"""pip, run inside an environment: what it is at on a terminal, and why it failed in one line.

Standard library and ``suite.errors`` only: this runs before anything is installed.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from suite import screen
from suite.errors import WrongMachine

_UNREACHABLE = re.compile(
    "NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError"
    "|Connection (refused|reset|aborted)|Network is unreachable|IncompleteRead|Max retries"
)


def install(folder: Path, arguments: Sequence[str], lock: int) -> None:
    """Run ``pip install`` in the environment ``folder``; raises WrongMachine.

    ``lock`` is a descriptor that pip inherits: held by pip too, should this process be killed.
    """
    environment = {"PIP_RETRIES": "2", **os.environ}
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV"):
        environment.pop(name, None)
    command = [str(folder / "bin" / "python"), "-I", "-m", "pip", "install"]
    command += ["--disable-pip-version-check", "--no-input", "--no-color", "--progress-bar=off"]
    output: list[str] = []
    with subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        pass_fds=(lock,),
    ) as process:
        try:
            assert process.stdout is not None
            with _status() as show:
                for line in process.stdout:
                    output.append(line)
                    show(line.strip())
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise explain("".join(output), "pip install", folder)


@contextlib.contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """Yield a function that keeps one changing line on a terminal; silent elsewhere."""
    if not sys.stderr.isatty():
        yield lambda line: None
        return
    collected = 0

    def show(line: str) -> None:
        nonlocal collected
        collected += line.startswith("Collecting ")
        if line.startswith(("Collecting ", "Downloading ", "Using cached ", "Installing ")):
            width = shutil.get_terminal_size().columns - 1
            text = screen.line(f"  package {collected}: {line}"[:width])
            print(f"\r\x1b[K{text}", end="", file=screen.raw(sys.stderr), flush=True)

    try:
        yield show
    finally:
        print("\r\x1b[K", end="", file=screen.raw(sys.stderr), flush=True)


def explain(output: str, command: str, folder: Path) -> WrongMachine:
    """Return the error that names the cause of a failed command, from what it printed.

    ``folder`` is where it wrote: venv and pip do not always say that a disk is full.
    """
    retry = "Running again goes on where this stopped."
    for place in (folder, Path(tempfile.gettempdir())):
        free = shutil.disk_usage(place).free >> 20
        if free < 16 or (free < 1024 and re.search("No space left|quota exceeded", output)):
            return WrongMachine(
                f"{command}: the disk of {place} is full ({free} MiB free)",
                hint=f"Make room. {retry}",
            )
    if re.search(r"Read-only file system|Permission denied|Errno (13|30)\b", output):
        line = _last(output, "Read-only|Permission denied|Errno")
        return WrongMachine(f"{command}: {line}", hint="Set TUNEBENCH_VENV to a writable folder.")
    if "DO NOT MATCH THE HASHES" in output:
        line = _last(output, r"==.* from ")
        return WrongMachine(
            f"{command}: a package is not the one that the lock names: {line}",
            hint="The package index served other content; nothing of it was installed.",
        )
    if missing := re.search(r"requirement (\S+) \(from versions: (.*)\)", output):
        if _UNREACHABLE.search(output) or missing[2] == "none":
            return WrongMachine(
                f"{command}: cannot reach the package index (looking for {missing[1]})",
                hint=f"Check the network and pip's settings (pip config list). {retry}",
            )
        return WrongMachine(
            f"{command}: no build of {missing[1]} for this Python and system",
            hint="Set TUNEBENCH_PYTHON to a Python between 3.11 and 3.13.",
        )
    if _UNREACHABLE.search(output):
        return WrongMachine(f"{command}: the network failed", hint=retry)
    return WrongMachine(f"{command} failed: {_last(output, 'ERROR|Error|rror:')}", hint=retry)


def without_versions(output: str) -> str:
    """Return the requirement of which a reachable index has no version at all, or ""."""
    found = re.search(r"requirement (\S+) \(from versions: none\)", output)
    return "" if found is None or _UNREACHABLE.search(output) else found[1]


def _last(output: str, pattern: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    matching = [line for line in lines if re.search(pattern, line)]
    return (matching or lines or ["no output"])[-1]
