"""What documents tell people to type is understood, links lead somewhere, CI is safe to run."""

import importlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from suite.cli import VERBS
from suite.paths import RESULTS, ROOT

TEXTS = [ROOT / "CONTRIBUTING.md", RESULTS / "README.md"]
TEXTS += sorted({ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("docs/*.md")})
COMMAND = re.compile(r"(?:\./|\./tunebench/)tunebench ([^`#>|\n]*)")


def commands() -> list[tuple[str, str]]:
    """Return every command of the documents that is more than a name, with its file."""
    found = []
    for text in TEXTS:
        for match in COMMAND.finditer(text.read_text(encoding="utf-8")):
            words = match[1].strip().removesuffix(" --").strip()
            if words and "..." not in words and "|" not in words:
                found.append((text.relative_to(ROOT).as_posix(), words))
    return sorted(set(found))


@pytest.mark.parametrize(("text", "command"), commands())
def test_commands_in_the_documents_are_understood(text: str, command: str) -> None:
    """A verb that exists, with options that it has; a verb alone is its name."""
    verb, *rest = shlex.split(command)
    assert verb in VERBS or verb.startswith("--"), f"{text}: {command}"
    if verb in VERBS and rest and not any(word.isupper() and len(word) > 1 for word in rest):
        importlib.import_module(f"suite.verbs.{verb.replace('-', '_')}").parser().parsed(rest)


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
USED = re.compile(r"uses: *(\S+)@(\S+)( +# v\d+\.\d+\.\d+)?")
ZIZMOR = shutil.which("zizmor") or str(Path(sys.executable).with_name("zizmor"))


def workflows() -> list[tuple[str, str]]:
    """Return this repository's workflows and those in documents, each with its place."""
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
    """Neither in our workflow nor in what people copy out of the documents."""
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


DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("reports/*/*.md")})
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Return what links into a document may name, as GitHub makes it of headings."""
    headings = HEADING.findall(FENCED.sub("", path.read_text(encoding="utf-8")))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


def links(path: Path) -> list[str]:
    """Return where a document's links lead, those of other hosts left out."""
    found = LINK.findall(FENCED.sub("", path.read_text(encoding="utf-8")))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_files_and_headings(name: str) -> None:
    """A file that moved or a heading that was renamed takes the links to it along."""
    wrong = []
    for link in links(ROOT / name):
        file, _, anchor = unquote(link).partition("#")
        place = (ROOT / name).parent / file if file else ROOT / name
        if not place.resolve().is_relative_to(ROOT) or not place.exists():
            wrong.append(f"{link}: no such file")
        elif anchor and anchor not in anchors(place):
            wrong.append(f"{link}: no such heading")
    assert wrong == []


def test_the_readme_is_read_in_four_minutes() -> None:
    """What does not fit has a document of its own."""
    text = (ROOT / "README.md").read_bytes()
    assert len(text) <= 7_000
    assert len(text.split()) <= 900


def test_the_index_has_every_document() -> None:
    """A document that nothing links to is found by nobody."""
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    assert {*ROOT.glob("docs/*.md")} - {index} - linked == set()
