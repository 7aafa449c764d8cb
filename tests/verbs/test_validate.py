"""``tunebench validate``: what is wrong with catalog and result files, named line by line."""

import json
import os
from pathlib import Path

import pytest

from suite.catalog import model as models
from suite.catalog import tier as tiers
from suite.cli import main
from suite.paths import ROOT
from suite.results.record import Environment
from suite.results.storage import run_folder
from suite.run.machine import environment as machine
from suite.verbs import validate
from support import contributed, records


def test_validate_the_catalog_and_a_bad_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a path everything of ours is good; a typo in a TOML is named with its key."""
    assert main(["validate"]) == 0
    assert "0 problems" in capsys.readouterr().out
    good = (models.FOLDER / "tiny-qwen3.toml").read_text()
    bad = tmp_path / "mine.toml"
    bad.write_text(good.replace("hidden_size", "hiden_size"))
    assert main(["validate", str(bad), "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["path"] == str(bad)
    assert "unknown key 'architecture.hiden_size'" in problem["reason"]
    assert "Did you mean 'hidden_size'" in problem["reason"]


@pytest.mark.parametrize(
    ("folder", "content", "reason"),
    [
        ("models", "= 3", "not valid TOML"),
        ("tiers", 'title = "x"', "missing required field"),
        ("elsewhere", "a = 1", "cannot tell what this is"),
    ],
)
def test_validate_says_what_a_catalog_file_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str, content: str, reason: str
) -> None:
    """Broken TOML, a missing key and a file of no kind each get their line."""
    (tmp_path / folder).mkdir()
    path = tmp_path / folder / "x.toml"
    path.write_text(content)
    assert main(["validate", str(path)]) == 2
    shown = capsys.readouterr().out
    assert shown.startswith(f"{path}: ")
    assert reason in shown


def test_validate_a_tier_that_names_an_unknown_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a file refers to must exist."""
    tier = (tiers.FOLDER / "smoke.toml").read_text()
    (tmp_path / "tiers").mkdir()
    (tmp_path / "tiers" / "mine.toml").write_text(tier.replace("tiny-qwen3", "tiny-qwen4"))
    assert main(["validate", str(tmp_path)]) == 2
    assert "unknown model 'tiny-qwen4'. Did you mean 'tiny-qwen3'" in capsys.readouterr().out


def test_validate_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A good run passes; a bad line costs the exit code and is named by file and line."""
    run = tmp_path / "run"
    with run_folder.create(run, records.plan()) as made:
        made.append(records.record())
        made.append(records.failed(method="qlora"))
    assert main(["validate", str(run)]) == 0
    assert "2 good records, 0 problems" in capsys.readouterr().out
    with (run / "journal.jsonl").open("a") as journal:
        journal.write('{"schema": 9, "run_id": "x"}\n')
    assert main(["validate", str(run)]) == 2
    assert "journal.jsonl:3: written by a newer tunebench" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    assert main(["validate", str(tmp_path / "empty"), "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert "no results found" in problem["reason"]


def test_a_model_has_the_size_that_its_architecture_makes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A layer more than was counted shows here, and not first as an invalid record."""
    good = (models.FOLDER / "tiny-qwen3.toml").read_text()
    wrong = tmp_path / "mine.toml"
    wrong.write_text(good.replace("layers = ", "layers = 1"))
    assert main(["validate", str(wrong)]) == 2
    assert "key 'parameters': 918,912, but its architecture has" in capsys.readouterr().out


def test_a_folder_of_both_is_looked_at_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A catalog file beside results hides none of their problems, nor the other way round."""
    folder = tmp_path / "sent"
    with run_folder.create(folder / "run", records.plan()) as made:
        made.append(records.record())
    (folder / "models").mkdir()
    (folder / "models" / "x.toml").write_text((models.FOLDER / "tiny-qwen3.toml").read_text())
    (folder / "pyproject.toml").write_text("[project]\nversion = '1'\n")
    assert main(["validate", str(folder)]) == 0
    assert "1 good record, 1 good catalog file, 0 problems" in capsys.readouterr().out
    with (folder / "run" / "journal.jsonl").open("a") as journal:
        journal.write('{"schema": 9, "run_id": "x"}\n')
    (folder / "mine.toml").write_text((models.FOLDER / "tiny-qwen3.toml").read_text() + "x = 1")
    (folder / "broken.toml").write_text("= 3")
    assert main(["validate", str(folder)]) == 2
    shown = capsys.readouterr().out
    assert "journal.jsonl:2: written by a newer tunebench" in shown
    assert "mine.toml: unknown key 'architecture.x'" in shown
    assert "broken.toml: not valid TOML" in shown
    assert main(["validate", str(folder / "models")]) == 0, "no results are missed there"
    assert "1 good catalog file, 0 problems" in capsys.readouterr().out
    (folder / "run" / "journal.jsonl").write_text("{")
    (folder / "run" / "run.json").write_text("[]")
    assert main(["validate", str(folder / "run"), str(folder / "models")]) == 2
    assert "run.json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a=" + "[" * 5000, "nested more than 16 deep"),
        ("a=" + "{b=" * 5000, "nested more than 16 deep"),
        ("a" + ".a" * 100_000 + "=1", "nested more than 16 deep"),
        ("[" + '"a" . ' * 30_000 + "a]", "nested more than 16 deep"),
        ("[a" + ".a" * 17 + "]", "nested more than 16 deep"),
        ("x=" + "9" * 5000, "4300 digits"),
        ("x=" + "9" * 30, "more than 64 bits"),
        ("x=[{y=0x" + "f" * 17 + "}]", "more than 64 bits"),
        ("x=nan", "contains nan"),
        ("x=[-inf]", "contains -inf"),
        ("x=1e999", "contains inf"),
        ("#" * (257 << 10), "too large"),
    ],
)
def test_toml_is_bounded_like_json(
    content: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger's catalog file costs one line, no traceback and no wait."""
    file = tmp_path / "models" / "x.toml"
    file.parent.mkdir()
    file.write_text(content)
    for given in (file, tmp_path):
        assert main(["validate", str(given)]) == 2
        assert reason in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "nothing"])
def test_what_is_no_plain_file_is_not_read(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe without a writer would hold the reader for ever, and a device never ends."""
    file = tmp_path / "models" / "x.toml"
    file.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero" if kind == "device" else "nowhere")
    assert main(["validate", str(file.parent)]) == 2
    assert "cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("folder", "old", "new", "reason"),
    [
        ("models", '"qwen3"', '"qwen"', "'qwen'. Did you mean 'qwen3' or 'qwen3-moe'? Allowed: "),
        ("models", '"qwen3"', '"mistral"', "'mistral'. Allowed: gpt-oss, llama, qwen3, qwen3-moe"),
        ("methods", '"linear"', '"mlp"', "'mlp'. Allowed: attention, experts, linear"),
        ("methods", '"linear"', '["q_proj"]', "got `array`. Allowed: attention, experts, linear"),
        ("methods", '"sdpa"', '"flash_attention_2"', "Allowed: eager, engine, sdpa"),
        ("methods", '"adamw_torch_fused"', '"adamw_torch_fussed"', "Did you mean 'adamw_torch_fu"),
        ("tiers", 'data = "text"', 'data = "test"', "Did you mean 'text'? Allowed: fixed, real-"),
    ],
)
def test_a_wrong_name_is_answered_with_those_that_are_allowed(
    folder: str,
    old: str,
    new: str,
    reason: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever tries a key's value learns what it can be."""
    source = next(
        file
        for file in sorted((models.FOLDER.parent / folder).glob("*.toml"))
        if old in file.read_text()
    )
    file = tmp_path / folder / source.name
    file.parent.mkdir()
    file.write_text(source.read_text().replace(old, new))
    assert main(["validate", str(file)]) == 2
    assert reason in capsys.readouterr().out


def test_all_catalog_files_together_are_bounded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many large ones are not read for hours, and no problem is longer than anybody reads."""
    for folder, content in (("models", "k" * 50_000 + "=1"), ("other", "a=1")):
        (tmp_path / folder).mkdir()
        for number in range(300):
            (tmp_path / folder / f"{number:03}.toml").write_text(content)
    monkeypatch.setattr(validate, "MOST_BYTES", 1_000_000)
    assert main(["validate", str(tmp_path)]) == 2
    shown = capsys.readouterr().out
    assert "0 good catalog files, 300 problems" in shown
    assert "and 100 more problems, not named one by one" in shown
    assert "catalog files of 0 MiB were read before it" in shown
    assert len(shown.splitlines()) == 202
    assert max(map(len, shown.splitlines())) < 1000


def test_a_folder_is_not_left_through_a_link(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a link in a stranger's folder leads to is not read; a link that is named is."""
    outside = tmp_path / "outside.toml"
    outside.write_bytes((models.FOLDER / "tiny-qwen3.toml").read_bytes())
    (tmp_path / "given" / "models").mkdir(parents=True)
    link = tmp_path / "given" / "models" / "tiny-qwen3.toml"
    link.symlink_to(outside)
    (tmp_path / "given" / "round").symlink_to(tmp_path / "given")
    assert main(["validate", str(tmp_path / "given")]) == 2
    assert f"{link}: cannot be read: a link, which is not followed" in capsys.readouterr().out
    assert main(["validate", str(link)]) == 0


def test_strict_says_of_each_folder_whether_it_may_be_taken_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As text, as JSON and as Markdown; what is broken costs the exit code of anything bad."""
    good = contributed.published(tmp_path / "results", around=here())
    assert main(["validate", "--strict", str(good)]) == 0
    assert "2 records, 2 with numbers, A CPU, by ada: good" in capsys.readouterr().out
    contributed.rewrite(good, contributed.surrounded(dirty=True))
    assert main(["validate", "--strict", "--json", str(tmp_path / "results")]) == 2
    (folder,) = json.loads(capsys.readouterr().out)
    assert (folder["folder"], folder["by"], folder["records"]) == (str(good), "ada", 2)
    assert "local changes" in folder["problems"][0]["reason"]
    assert main(["validate", "--strict", "--markdown", str(good)]) == 2
    shown = capsys.readouterr().out
    assert "| journal.jsonl | tiny-qwen3-lora, repeat 1 and 1 more record: the suite had" in shown


def here() -> Environment:
    revision, _, _ = machine.git(ROOT)
    return contributed.environment(revision=revision or contributed.REVISION)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--strict"], "--strict asks for folders of results"),
        (["--strict", "nowhere"], "not a folder of results"),
        (["--own"], "--own goes with --strict"),
        (["--markdown"], "--markdown goes with --strict"),
    ],
)
def test_strict_asks_for_folders(
    capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    """Nothing is called good that was not looked at."""
    assert main(["validate", *arguments]) == 2
    assert reason in capsys.readouterr().err
