"""``tunebench validate``: what is wrong with catalog and result files, named line by line."""

import json
from pathlib import Path

import pytest

import records
from suite.catalog import model as models
from suite.catalog import tier as tiers
from suite.cli import main
from suite.results import store


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
    with store.create(run, records.plan()) as made:
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
