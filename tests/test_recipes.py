"""What the READMEs tell people to type is understood by the command line."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from suite.cli import VERBS

ROOT = Path(__file__).parents[1]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("*/README.md")]
COMMAND = re.compile(r"(?:\./|\./tunebench/)tunebench ([^`#>|\n]*)")


def commands() -> list[tuple[str, str]]:
    """Return every command of the READMEs that is more than a name, with its file."""
    found = []
    for text in TEXTS:
        for match in COMMAND.finditer(text.read_text(encoding="utf-8")):
            words = match[1].strip().removesuffix(" --").strip()
            if words and "..." not in words and "|" not in words:
                found.append((text.relative_to(ROOT).as_posix(), words))
    return sorted(set(found))


@pytest.mark.parametrize(("text", "command"), commands())
def test_commands_in_the_readmes_are_understood(text: str, command: str) -> None:
    """A verb that exists, with options that it has."""
    verb, *rest = shlex.split(command)
    assert verb in VERBS or verb.startswith("--"), f"{text}: {command}"
    if verb in VERBS and not any(word.isupper() and len(word) > 1 for word in rest):
        importlib.import_module(f"suite.verbs.{verb.replace('-', '_')}").parser().parsed(rest)
