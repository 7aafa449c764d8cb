"""Upgrades that projects have really made, through ``upgrade-check``: ``tox -e upgrades``.

Each of ``upgrades.toml`` must end as it says there. What came out is kept in ``upgrades.json``;
``--table`` prints both as Markdown and measures nothing.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import msgspec

from suite.catalog import toml
from suite.paths import ROOT

FILE = Path(__file__).with_name("upgrades.toml")
CAME_OUT = Path(__file__).with_name("upgrades.json")
LAUNCHES = 3
#: How lines begin that say how a check ended.
TELLING = ("A gate", "Culprit", "First version", "Package", "tunebench: error")
#: What every environment of a measurement has; their versions stand beside what came out.
NAMED = ("torch", "transformers", "peft", "accelerate", "bitsandbytes", "trl", "unsloth")


class Upgrade(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two sides, what a project says of the change with its address, and how it must end."""

    name: str
    base: tuple[str, ...]
    candidate: tuple[str, ...]
    methods: tuple[str, ...]
    upstream: str
    link: str
    exit_code: int
    says: tuple[str, ...]
    models: tuple[str, ...] = ("tiny-qwen3",)


class _Upgrades(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    upgrades: tuple[Upgrade, ...]


class CameOut(msgspec.Struct, frozen=True, kw_only=True):
    """How an upgrade ended: on which day, with which other versions, and its telling lines."""

    date: str
    python: str
    versions: dict[str, str]
    exit_code: int
    seconds: float
    missing: tuple[str, ...]
    said: tuple[str, ...]


def main(arguments: Sequence[str]) -> int:
    """Try them, or print the table; 1 where one did not end as it must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--only", nargs="*", metavar="NAME")
    args = parser.parse_args(arguments)
    upgrades = toml.read(FILE, _Upgrades).upgrades
    known = {}
    if CAME_OUT.is_file():
        known = msgspec.json.decode(CAME_OUT.read_bytes(), type=dict[str, CameOut])
    if args.table:
        _table(upgrades, known)
        return 0
    wrong = []
    for upgrade in upgrades:
        if args.only and upgrade.name not in args.only:
            continue
        print(f"{upgrade.name}: {' '.join(upgrade.candidate)} …", flush=True)
        found = _try(upgrade)
        known[upgrade.name] = found
        if found.missing or found.exit_code != upgrade.exit_code:
            wrong.append(upgrade.name)
            print(f"  WRONG: exit code {found.exit_code}; not said: {found.missing}", flush=True)
        ours = {each.name: known[each.name] for each in upgrades if each.name in known}
        CAME_OUT.write_bytes(msgspec.json.format(msgspec.json.encode(ours), indent=1) + b"\n")
    print(f"wrong: {', '.join(wrong)}" if wrong else "all ended as they must")
    return 1 if wrong else 0


def _try(upgrade: Upgrade) -> CameOut:
    with tempfile.TemporaryDirectory(prefix="tunebench-") as folder:
        command = [sys.executable, "-m", "suite", "upgrade-check", "--profile", "cpu", "--bisect"]
        command += [f"--base={each}" for each in upgrade.base]
        command += [f"--candidate={each}" for each in upgrade.candidate]
        command += ["--models", ",".join(upgrade.models), "--methods", ",".join(upgrade.methods)]
        command += ["--launches", str(LAUNCHES), "--out", f"{folder}/out"]
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    # Of this machine nothing is kept: no path, and no progress.
    lines = [re.sub(r" ?\(?/\S+", "", line) for line in done.stdout.splitlines()]
    telling = [line for line in lines if line.startswith(TELLING)]
    return CameOut(
        date=datetime.now(UTC).date().isoformat(),
        python=platform.python_version(),
        versions={name: metadata.version(name) for name in NAMED},
        exit_code=done.returncode,
        seconds=round(time.monotonic() - began),
        missing=tuple(each for each in upgrade.says if each not in done.stdout),
        said=tuple(dict.fromkeys(telling)),
    )


def _table(upgrades: Sequence[Upgrade], known: dict[str, CameOut]) -> None:
    print("| Upgrade | Method | The project says | Must end with | Came out |")
    print("| --- | --- | --- | ---: | --- |")
    for each in upgrades:
        change = ", ".join(each.base) + " → " + ", ".join(each.candidate)
        found = known.get(each.name)
        came = "not tried yet"
        if found is not None:
            last = next((line for line in found.said if line.startswith("First version")), "")
            came = f"{found.exit_code} on {found.date}. {last}".strip()
        says = f"[{each.upstream}]({each.link})"
        cells = (change.removeprefix(" → "), ", ".join(each.methods), says, each.exit_code, came)
        print("|", " | ".join(map(str, cells)), "|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
