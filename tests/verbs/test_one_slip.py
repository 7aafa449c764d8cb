"""One bad file of the catalog is named, and stops nothing that does not need it."""

import shutil
from pathlib import Path

import pytest

from reports.published import sources as references
from suite.catalog import method, model, prices, profile, tier
from suite.cli import main
from suite.results.storage import run_folder
from support import records, sites

FOLDERS = {
    "models": model,
    "methods": method,
    "tiers": tier,
    "hardware_profiles": profile,
    "references": references,
}
BAD = 'title = "a slip'


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the whole catalog, in use."""
    for name, module in FOLDERS.items():
        shutil.copytree(module.FOLDER, tmp_path / name)
        monkeypatch.setattr(module, "FOLDER", tmp_path / name)
    monkeypatch.setattr(references, "ARCHITECTURES", tmp_path / "references" / "architectures")
    monkeypatch.setattr(prices, "FILE", tmp_path / "hardware_profiles" / "prices.toml")
    return tmp_path


#: A file that is bad, and the commands that it must not stop although they look at such files.
SLIPS = [
    ("models/mine.toml", ["list", "list models"]),
    ("methods/mine.toml", ["list", "list methods", "fit --model qwen3-8b --gpu l40s"]),
    ("tiers/mine.toml", ["list", "list tiers", "list cases"]),
    ("models/tiny-gpt-oss.toml", ["list", "list tiers", "list cases --tier smoke"]),
    (
        "methods/qlora.toml",
        ["list", "list cases", "plan --model qwen3-8b --tokens 1M --gpus l40s"],
    ),
    (
        "hardware_profiles/mine.toml",
        ["list profiles", "fit --model qwen3-8b", "plan --model qwen3-8b --tokens 1M"],
    ),
    (
        "hardware_profiles/h100-sxm.toml",
        ["list", "plan --model qwen3-8b --tokens 1M"],
    ),
    ("hardware_profiles/prices.toml", ["list", "plan --model qwen3-8b --tokens 1M"]),
]


@pytest.mark.parametrize(("bad", "commands"), SLIPS)
def test_a_bad_file_is_named_and_left_out(
    bad: str, commands: list[str], catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command goes on without it, ends well, and says once which file and why."""
    (catalog / bad).write_text(BAD)
    for command in [*commands, "run --profile cpu --models tiny-qwen3 --methods lora --dry-run"]:
        assert main(command.split()) == 0, command
        shown = capsys.readouterr()
        assert shown.out
        if not command.startswith("run"):
            assert shown.err.count(f"left out: {catalog / bad}: not valid TOML") == 1, command


def test_bad_files_stop_no_report(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger's report does not hang on contributors' slips, one of each kind at once."""
    bad = [
        "models/qwen3-8b.toml",
        "methods/unsloth-lora.toml",
        "hardware_profiles/mine.toml",
        "hardware_profiles/h100-sxm.toml",
        "hardware_profiles/prices.toml",
        "references/torchtune.toml",
    ]
    for name in bad:
        (catalog / name).write_text(BAD)
    with run_folder.create(tmp_path / "run", records.plan()) as made:
        made.append(records.record())
    results = [str(tmp_path / "run"), "reports/results"]
    assert main(["report", *results, "--out", str(tmp_path / "site")]) == 0
    said = capsys.readouterr().err
    for name in bad:
        assert said.count(f"left out: {catalog / name}") == 1
    assert (tmp_path / "site" / "index.html").is_file()


def test_without_the_standard_tier_a_report_has_no_plan(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What goes by that tier is not built; all other pages are, and none links to it."""
    (catalog / "tiers" / "standard.toml").write_text(BAD)
    assert main(["report", "reports/results", "--out", str(tmp_path / "site")]) == 0
    said = capsys.readouterr().err
    assert said.count(f"left out: {catalog / 'tiers' / 'standard.toml'}") == 1
    assert not (tmp_path / "site" / "plan.html").exists()
    assert (tmp_path / "site" / "claims.html").is_file()
    assert sites.broken_links(tmp_path / "site") == []


def test_what_needs_the_file_says_so(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for by name, a bad file is an error and nothing is measured or estimated."""
    (catalog / "hardware_profiles" / "l40s.toml").write_text(BAD)
    (catalog / "methods" / "lora.toml").write_text(BAD)
    for command in (
        "fit --model qwen3-8b --gpu l40s",
        "fit --model qwen3-8b --method lora",
        "run --profile l40s --dry-run",
        "run --profile cpu --methods lora --dry-run",
        "plan --model qwen3-8b --tokens 1M --methods lora",
    ):
        assert main(command.split()) == 2, command
        assert "error: " in capsys.readouterr().err
