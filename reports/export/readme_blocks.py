"""``python -m reports.export.readme_blocks [--check]``: what documents show of results.

A block between ``<!-- generated: COMMAND -->`` and ``<!-- /generated -->`` holds what the command
prints and names it, run in the repository's root; only ``./tunebench export`` and a few scripts
are run. ``noise.json`` of every published profile is written as well.
"""

import os
import re
import shlex
import subprocess
import sys

from suite.errors import BadInput, SuiteError
from suite.paths import RESULTS, ROOT
from suite.results.publish import write_noise

DOCS = ROOT / "docs"
DOCUMENTS = (
    ROOT / "README.md",
    *(
        DOCS / f"{name}.md"
        for name in ("comparing", "host-waits", "planning", "python-stack", "several-gpus")
    ),
)
_EXPORT = ["./tunebench", "export"]
_SCRIPTS = tuple(f"benchmarks/self/{name}.py" for name in ("gate", "python_stack", "upgrades"))

_BLOCK = re.compile(
    r"^<!-- generated: (?P<command>[^\n]+?) -->\n.*?^<!-- /generated -->$",
    re.MULTILINE | re.DOTALL,
)


def fresh(text: str) -> str:
    """Return a document with every generated block made anew.

    Raises BadInput for a block of any other command, and for one that fails.
    """
    return _BLOCK.sub(_made, text)


def _made(found: re.Match[str]) -> str:
    command = found["command"]
    # Said once more in words: a comment is not shown.
    made = f"Made by `{command}`."
    return f"<!-- generated: {command} -->\n\n{output(command)}\n{made}\n\n<!-- /generated -->"


def output(command: str) -> str:
    """Return what the command of a block prints."""
    words = shlex.split(command)
    if words[:2] == _EXPORT:
        arguments = ["-m", "suite", *words[1:]]
    elif words[:1] == ["python"] and words[1:2] and words[1] in _SCRIPTS:
        arguments = words[1:]
    else:
        raise BadInput(f"not a command of a generated block: {command}")
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise BadInput(f"{command}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def main() -> int:
    """Write the documents, or with ``--check`` only name the stale ones; return the exit code."""
    check, stale = "--check" in sys.argv[1:], []
    try:
        if not check:
            for folder in sorted(path for path in RESULTS.iterdir() if path.is_dir()):
                write_noise(folder)
        for place in DOCUMENTS:
            text = place.read_text(encoding="utf-8")
            renewed = fresh(text)
            if renewed != text:
                stale.append(place)
                if not check:
                    place.write_text(renewed, encoding="utf-8")
    except SuiteError as error:
        print(f"{error.message}", file=sys.stderr)
        return error.exit_code
    for place in stale:
        word = "is stale: tox -e readme" if check else "written anew"
        print(f"{place.relative_to(ROOT)} {word}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
