"""A stranger's folder whose files are links: no verb changes or removes what they lead to."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.catalog import profile as profiles
from suite.cli import main
from suite.errors import BadInput
from suite.results.storage import run_folder
from suite.results.storage.reader import NOISE
from suite.run.case import compile_cache
from suite.run.folders import unused
from suite.run.upgrade import bisect
from suite.verbs import probe, upgrade_check
from support import records

CASE = "tiny-qwen3-lora"
#: Every name that something writes into a folder of results, and what is made on the way there.
FILES = (
    *(".lock", ".run.json.part", "run.json", "journal.jsonl", "journal.jsonl.damaged"),
    *("launch-1.json", ".launch-1.json.part", "launch-1-resumed-1.json", "noise.json"),
    *(".noise.json.part", "report.html", "out.csv", "fidelity.json", "fidelity.pairs"),
    *(upgrade_check.ASKED, upgrade_check.VERDICT, probe.ASKED, bisect.LOG),
    *(f"site/{name}" for name in ("index.html", "tunebench-site", "CNAME", "records/x.json")),
    *(f"compiled/{name}" for name in (f"{CASE}/kernel", f".{CASE}.made", "triton")),
)
FOLDERS = (
    *("compiled", f"compiled/{CASE}", f"compiled/{CASE}/inner", "site", "site/records", "bisect"),
    *("base", "candidate", "s256-b1", "cpu", f"cpu/{records.RUN_ID}"),
)
CHOICE = ["--profile", "cpu", "--models", "tiny-qwen3", "--methods", "lora"]


def soft(place: Path, victim: Path) -> None:
    place.symlink_to(victim)


def dangling(place: Path, victim: Path) -> None:
    place.symlink_to(victim.with_name(f"{victim.name}-missing"))


def hard(place: Path, victim: Path) -> None:
    place.hardlink_to(victim)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that lacks a record, with half a last line that its next opening repairs."""
    plan = records.plan(methods=("lora",), launches=2)
    with run_folder.create(tmp_path / "run", plan) as opened:
        opened.append(records.record(method="lora"))
    with (tmp_path / "run" / "journal.jsonl").open("ab") as journal:
        journal.write(b"a line that somebody else chose")
    return tmp_path / "run"


def plant(run: Path, names: tuple[str, ...], make: Callable[[Path, Path], None]) -> Path:
    """Put links to files and folders into a run; return the folder that they all lead to."""
    victims = run.with_name("victims")
    victims.mkdir()
    for number, name in enumerate(names):
        place, victim = run / name, victims / str(number)
        if name in FOLDERS:
            victim.mkdir()
            (victim / "file").write_text("precious\n")
        elif place.is_file():  # valid, so that what reads it goes on
            shutil.copy(place, victim)
        else:
            victim.write_text("precious\n")
        if place.is_file():
            place.unlink()
        place.parent.mkdir(parents=True, exist_ok=True)
        if name in FOLDERS and make is hard:  # no system has them of folders
            place.mkdir()
            (victim / "file").unlink()
            victim.rmdir()
        else:
            make(place, victim)
    return victims


def seen(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder and what is in it."""
    found = sorted(path for path in folder.rglob("*"))
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in found}


def every_verb(run: Path) -> None:
    """Let each verb that reads or writes results have the folder; any exit code will do."""
    folder, into = str(run), str(run.with_name("into"))
    for arguments in (
        ["validate", folder],
        ["run", "--resume", folder, "--dry-run"],
        ["run", *CHOICE, "--runner", "local", "--out", folder],
        ["calibrate", *CHOICE, "--out", folder],
        [
            "probe",
            "--profile",
            "cpu",
            "--model",
            "tiny-qwen3",
            "--method",
            "lora",
            "--out",
            folder,
        ],
        ["quickstart", "--out", folder],
        ["publish", "--yes", folder, "--partial", "--into", into],
        ["publish", "--yes", str(run.with_name("clean")), "--partial", "--into", folder],
        ["export", folder, "--out", f"{folder}/out.csv"],
        ["export", str(run.with_name("clean")), "--out", f"{folder}/out.csv"],
        ["compare", folder, folder],
        ["plan", "--results", folder],
        ["report", folder, "--out", f"{folder}/site"],
        ["report", str(run.with_name("clean")), "--out", f"{folder}/site"],
        ["report", str(run.with_name("clean")), "--single-file", "--out", f"{folder}/report.html"],
        ["run", "--resume", folder],
    ):
        main(arguments)


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever is not refused writes all that a launch writes, without the training."""

    def launched(opened: run_folder.Run, *_: object, **__: object) -> int:
        for ran in (True, False):
            compile_cache.prepare(opened.folder, CASE, tmp_path / "cache", ran=ran)
        for number in range(1, opened.plan.launches + 1):
            if not opened.done(number, CASE):
                mine = {"run_id": opened.plan.run_id, "launch": number}
                opened.append(records.record(method="lora", **mine))
            opened.place.write(unused(opened.benchmark_json(number)).name, b"{}")
        compile_cache.remove(opened.folder)
        return 0

    monkeypatch.setattr("suite.console.measure.measure", launched)
    monkeypatch.setenv("TUNEBENCH_CACHE", str(tmp_path / "cache"))
    clean = records.plan(run_id="clean", methods=("lora",))
    with run_folder.create(tmp_path / "clean", clean) as opened:
        opened.append(records.record(method="lora", run_id="clean"))


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("make", [soft, hard, dangling])
def test_no_verb_writes_or_removes_through_a_folder_of_links(
    run: Path, make: Callable[[Path, Path], None]
) -> None:
    """Every file of the run is a link, and every folder in it."""
    top = tuple(name for name in FILES + FOLDERS if "/" not in name)
    victims = plant(run, top, make)
    before = seen(victims)
    every_verb(run)
    assert seen(victims) == before


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("make", [soft, hard])
@pytest.mark.parametrize("name", FILES + FOLDERS)
def test_no_single_link_is_gone_through(
    run: Path, name: str, make: Callable[[Path, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else is a good run: whatever one refused file hides is reached in another."""
    monkeypatch.setattr("suite.verbs.report.build", lambda *_: run / "index.html")
    victims = plant(run, (name,), make)
    before = seen(victims)
    main(["run", "--resume", str(run)])
    main(["calibrate", *CHOICE, "--out", str(run)])
    main(["publish", "--yes", str(run.with_name("clean")), "--into", str(run)])
    main(["export", str(run.with_name("clean")), "--out", f"{run}/out.csv"])
    assert seen(victims) == before


@pytest.mark.parametrize("name", [upgrade_check.ASKED, upgrade_check.VERDICT, "bisect", "site"])
def test_a_comparison_with_links_is_not_gone_on_with(tmp_path: Path, name: str) -> None:
    """Before anything is measured it is said which file is a link."""
    asked = upgrade_check.UpgradeRequest(base={}, candidate={"peft": "0.21.2"})
    folder, profile = tmp_path / "run", profiles.load("cpu")
    args = upgrade_check.parser().parse_args([*CHOICE, "--out", str(folder)])
    assert upgrade_check._folder(args, profile, asked) == folder
    assert upgrade_check._folder(args, profile, asked) == folder
    victims = plant(folder, (name,), soft)
    before = seen(victims)
    with pytest.raises(BadInput, match=f"{name}: a link"):
        upgrade_check._folder(args, profile, asked)
    assert seen(victims) == before


@pytest.mark.usefixtures("no_training")
def test_noise_beside_published_runs_is_no_link_to_elsewhere(tmp_path: Path) -> None:
    """A link in its place goes, and what it led to stays."""
    (tmp_path / "into" / "cpu").mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "into" / "cpu" / NOISE).symlink_to(victim)
    assert (
        main(["publish", "--yes", str(tmp_path / "clean"), "--into", str(tmp_path / "into")]) == 0
    )
    assert not (tmp_path / "into" / "cpu" / NOISE).is_symlink()
    assert victim.read_text() == "precious"
