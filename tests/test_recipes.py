"""What the READMEs tell people to type is understood; what CI runs is safe to be run."""

import importlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from suite.cli import VERBS
from suite.paths import ROOT

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


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
USED = re.compile(r"uses: *(\S+)@(\S+)( +# v\d+\.\d+\.\d+)?")
ZIZMOR = shutil.which("zizmor") or str(Path(sys.executable).with_name("zizmor"))


def workflows() -> list[tuple[str, str]]:
    """Return this repository's workflows and those that the READMEs give, each with its place."""
    found = [(each.name, each.read_text(encoding="utf-8")) for each in WORKFLOWS]
    for text in TEXTS:
        for number, match in enumerate(YAML.finditer(text.read_text(encoding="utf-8"))):
            if "runs-on:" in match[1]:
                found.append((f"{text.relative_to(ROOT).as_posix()}-{number}", match[1]))
    return found


@pytest.mark.parametrize(("place", "text"), workflows(), ids=[each[0] for each in workflows()])
def test_workflows_pin_actions_and_run_no_fork_on_a_gpu(place: str, text: str) -> None:
    """Actions by commit, rights that are said, and no pull request on a runner of one's own."""
    for action, commit, version in USED.findall(text):
        assert re.fullmatch("[0-9a-f]{40}", commit), f"{action}@{commit}"
        assert version, f"{action}: which version is {commit}?"
    assert re.search(r"^permissions:\s+{?contents: read", text, re.MULTILINE)
    assert "pull_request_target" not in text
    if "self-hosted" in text:
        assert not re.search(r"^\s*(on: {)?pull_request\b", text, re.MULTILINE)


def test_one_action_is_one_commit_everywhere() -> None:
    """A bump that forgets one of the recipes is found."""
    used = {found for _, text in workflows() for found in USED.findall(text)}
    assert len(used) == len({action for action, _, _ in used})


@pytest.mark.parametrize(("place", "text"), workflows(), ids=[each[0] for each in workflows()])
def test_zizmor_finds_nothing(tmp_path: Path, place: str, text: str) -> None:
    """Neither in our workflow nor in what people copy out of the READMEs."""
    if not Path(ZIZMOR).is_file():
        pytest.skip("zizmor is not installed")
    file = tmp_path / ".github" / "workflows" / "x.yml"
    file.parent.mkdir(parents=True)
    file.write_text(text if text.startswith("name:") else f"name: x\n{text}", encoding="utf-8")
    done = subprocess.run(
        [ZIZMOR, "--offline", "--no-progress", "--color=never", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
