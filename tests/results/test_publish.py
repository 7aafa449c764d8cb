import os
import pty
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from suite.cli import main
from suite.errors import BadInput, WrongMachine
from suite.paths import ROOT
from suite.results.publish import publish, scrub, write_noise
from suite.results.record import Container, Origin
from suite.results.scatter.noise import NoiseFile, of_records
from suite.results.storage import run_folder
from suite.results.storage.reader import NOISE
from support import records


def _run(folder: Path, *, finish: bool = True) -> Path:
    plan = records.plan()
    with run_folder.create(folder, plan) as run:
        for case in plan.cases[: None if finish else 1]:
            tail = ("cache in /home/ada/.cache/x",)
            run.append(records.record(case.model.name, case.method.name, output_tail=tail))
    return folder


def test_a_published_run_reads_back_with_the_same_measurements(tmp_path: Path):
    """Steps, outcome and settings survive; only texts that name the machine change."""
    run = _run(tmp_path / "run")
    folder = publish(run, tmp_path / "results")
    before, after = run_folder.read([run]), run_folder.read([folder])
    assert folder == tmp_path / "results" / "cpu" / before.plans[0].run_id
    assert [r.steps for r in after.records] == [r.steps for r in before.records]
    assert after.problems == ()
    assert "home/ada" not in (folder / "journal.jsonl").read_text()


def test_paths_go_and_everything_that_only_looks_like_one_stays():
    """An absolute path keeps its last part; URLs, repositories, units and formulas stay whole."""
    tail = (
        "saved to /home/ada/runs/7/model.bin.",
        "see https://example.org/a/b/c and openai/gpt-oss",
        "12 token/s at 3/4 load",
        'File "/opt/x/y.py", line 3; ~/secret/place',
    )
    scrubbed = scrub(records.record(output_tail=tail)).output_tail
    assert scrubbed[0] == "saved to .../model.bin."
    assert scrubbed[1:3] == tail[1:3]
    assert scrubbed[3] == 'File ".../y.py", line 3; .../FOLDER'


def test_the_hosts_name_goes():
    """A name given as the host's is replaced as a word, not inside other words."""
    record = records.record(output_tail=("on gamma: ok", "gammarays"))
    assert scrub(record, frozenset({"gamma"})).output_tail == ("on HOST: ok", "gammarays")


@pytest.mark.parametrize(
    ("image", "published"),
    [
        ("harbor.lab.example:5000/ml/tunebench:1", "REGISTRY/ml/tunebench:1"),
        ("localhost/tunebench", "REGISTRY/tunebench"),
        ("ghcr.io/ada/tunebench:1", "ghcr.io/ada/tunebench:1"),
        ("tunebench/cpu:0123456789ab", "tunebench/cpu:0123456789ab"),
    ],
)
def test_a_private_registrys_host_goes(image: str, published: str):
    """Of an image and its base; public registries and names without one stay."""
    container = Container(image=image, image_id="sha256:0", base=image)
    environment = msgspec.structs.replace(records.environment(), container=container)
    found = scrub(records.record(environment=environment)).environment.container
    assert found is not None
    assert (found.image, found.base) == (published, published)
    unknown = msgspec.structs.replace(container, base=None)
    environment = msgspec.structs.replace(environment, container=unknown)
    found = scrub(records.record(environment=environment)).environment.container
    assert found is not None
    assert found.base is None


def test_an_unfinished_run_is_refused_with_the_way_to_finish_it(tmp_path: Path):
    """A case without a record would vanish from the published set."""
    run = _run(tmp_path / "run", finish=False)
    with pytest.raises(BadInput, match="1 of 2 cases have no result") as error:
        publish(run, tmp_path / "results")
    assert "--resume" in error.value.hint


def test_a_partial_run_can_be_published_and_still_names_what_is_missing(tmp_path: Path):
    """What was measured before a machine went away is not lost, and not mistaken for all."""
    run = _run(tmp_path / "run", finish=False)
    folder = publish(run, tmp_path / "results", partial=True)
    found = run_folder.read([folder])
    assert [record.method for record in found.records] == ["lora"]
    assert [case.method.name for _, _, case in found.missing()] == ["qlora"]


def _launches(folder: Path, run_id: str, number: int) -> Path:
    plan = records.plan(run_id=run_id, methods=("lora",), launches=number)
    with run_folder.create(folder, plan) as run:
        for launch in range(1, number + 1):
            run.append(records.record(run_id=run_id, launch=launch, seconds=0.1 + launch / 1000))
    return folder


def test_publishing_writes_the_noise_of_all_that_is_published(tmp_path: Path):
    """noise.json grows with the runs, names the published records and is no foreign file."""
    results = tmp_path / "results"
    publish(_launches(tmp_path / "a", "20261124T070000Z-0000000a", 2), results)
    assert not (results / "cpu" / NOISE).exists()
    for run_id, number in (("20261124T070000Z-0000000b", 5), ("20261124T070000Z-0000000c", 3)):
        publish(_launches(tmp_path / run_id[-1], run_id, number), results)
    written = msgspec.json.decode((results / "cpu" / NOISE).read_bytes(), type=NoiseFile)
    assert [(case.launches, case.gate) for case in written.cases] == [(5, True), (3, False)]
    found = run_folder.read([results])
    assert found.problems == ()
    published = {record.record_id for record in found.records}
    assert published > {name for case in written.cases for name in case.record_ids}
    assert written.cases == of_records(found.records)


def test_noise_without_launches_enough_goes_away(tmp_path: Path):
    """When the run that it came from is taken away, the file does not stay behind."""
    results = tmp_path / "results"
    folder = publish(_launches(tmp_path / "a", "20261124T070000Z-0000000a", 3), results)
    publish(_launches(tmp_path / "b", "20261124T070000Z-0000000b", 1), results)
    assert (results / "cpu" / NOISE).exists()
    shutil.rmtree(folder)
    write_noise(results / "cpu")
    assert not (results / "cpu" / NOISE).exists()


def test_publishing_twice_is_refused(tmp_path: Path):
    """Published results are never overwritten."""
    run = _run(tmp_path / "run")
    publish(run, tmp_path / "results")
    with pytest.raises(BadInput, match="published already"):
        publish(run, tmp_path / "results")


#: Publishes A into B, and ends itself or its disk at the Nth file that is flushed.
BROKEN = """
import os, resource, signal, sys
from pathlib import Path
from suite.results.publish import publish
how, number, run, results = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
if how == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
else:
    flush, calls = os.fsync, []
    def broken(descriptor):
        calls.append(descriptor)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL if how == "kill" else signal.SIGINT)
        flush(descriptor)
    os.fsync = broken
publish(run, results)
"""


@pytest.mark.parametrize(
    ("how", "number"),
    [*(("kill", n) for n in (1, 2, 3, 4)), ("interrupt", 2), ("full", 0), ("full", 4000)],
)
def test_publishing_is_all_or_nothing(tmp_path: Path, how: str, number: int) -> None:
    """Killed, interrupted or without space: no half run is read, and the next call works."""
    run = _launches(tmp_path / "run", "20261124T070000Z-0000000a", 5)
    results = tmp_path / "results"
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, how, str(number), str(run), str(results)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    if how == "full":
        assert "nothing is published" in done.stderr
    if how != "kill":
        assert not results.exists()
    else:
        assert not [path for path in results.rglob("run.json") if ".publishing-" not in str(path)]
    folder = publish(run, results)
    assert len(run_folder.read([results]).records) == 5
    assert sorted(path.name for path in folder.iterdir()) == ["journal.jsonl", "run.json"]
    assert sorted(path.name for path in results.iterdir()) == ["cpu"]
    assert sorted(path.name for path in (results / "cpu").iterdir()) == [folder.name, NOISE]
    assert [path.name for path in tmp_path.iterdir() if path.name[0] == "."] == []


#: As ``BROKEN``, but the Nth change of a name fails: the run's, or that of noise.json.
UNNAMED = """
import errno, os, sys
from pathlib import Path
from suite.cli import main
rename, calls = os.rename, []
def broken(*names, **folders):
    calls.append(names)
    if len(calls) == int(sys.argv[1]):
        raise OSError(errno.ENOSPC, "No space left on device")
    rename(*names, **folders)
os.rename = broken
sys.exit(main(["publish", "--yes", sys.argv[2], "--into", sys.argv[3]]))
"""


@pytest.mark.parametrize(("number", "said"), [(1, "nothing is published"), (2, "is published,")])
def test_it_is_said_what_is_published_and_doing_it_again_does_the_rest(
    tmp_path: Path, number: int, said: str
) -> None:
    """Without space for the run, and without space for the noise beside it alone."""
    run = _launches(tmp_path / "run", "20261124T070000Z-0000000a", 5)
    results = tmp_path / "results"
    arguments = [sys.executable, "-c", UNNAMED, str(number), str(run), str(results)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert said in done.stderr
    assert results.exists() is (number == 2)
    publish(run, results)
    assert len(run_folder.read([results]).records) == 5
    assert (results / "cpu" / NOISE).is_file()
    with pytest.raises(BadInput, match="published already"):
        publish(run, results)


@pytest.mark.parametrize("number", range(5, 12))
def test_killed_after_the_run_is_filed_the_next_call_tidies_up(
    tmp_path: Path, number: int
) -> None:
    """Whatever the moment, the hidden folder goes and the noise is that of all runs."""
    run, results = tmp_path / "run", tmp_path / "results"
    _launches(run, "20261124T070000Z-0000000a", 5)
    killed = [sys.executable, "-c", BROKEN, "kill", str(number), str(run), str(results)]
    subprocess.run(killed, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    with suppress(BadInput):  # it got so far that nothing was left to do
        publish(run, results)
    names = [path.name for path in sorted((results / "cpu").iterdir())]
    assert names == ["20261124T070000Z-0000000a", NOISE]
    assert not write_noise(results / "cpu")


def test_a_folder_in_the_place_of_noise_stays(tmp_path: Path) -> None:
    """Only what publishing wrote does it ever remove."""
    mine = tmp_path / "results" / "cpu" / NOISE / "mine"
    mine.mkdir(parents=True)
    run = _run(tmp_path / "run")
    for said in ("the session is published, noise.json", "cannot be written"):
        with pytest.raises(WrongMachine, match=said):
            publish(run, tmp_path / "results")
    assert mine.is_dir()


@pytest.mark.parametrize("name", [NOISE, "run.json", "x.jsonl"])
def test_a_run_with_the_name_of_a_file_is_not_filed(tmp_path: Path, name: str) -> None:
    """Its folder would stand where readers look for that file."""
    with pytest.raises(BadInput, match="name of a file"):
        publish(_launches(tmp_path / "run", name, 3), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_publishing_at_once_files_every_run(tmp_path: Path) -> None:
    """Nobody takes another's work for a left-over, and the noise is that of all."""
    results, names = tmp_path / "results", [f"20261124T070000Z-0000000{n}" for n in range(4)]
    calls = []
    for name in names:
        run = _launches(tmp_path / name, name, 3)
        code = "import sys; from suite.cli import main; sys.exit(main(sys.argv[1:]))"
        arguments = [sys.executable, "-c", code, "publish", "--yes", str(run), "--into"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        calls.append(subprocess.Popen([*arguments, str(results)], env=environment))
    assert [call.wait(timeout=60) for call in calls] == [0, 0, 0, 0]
    assert not write_noise(results / "cpu")


def test_an_empty_folder_that_an_older_version_left_is_no_published_run(tmp_path: Path) -> None:
    """It was made first and filled later, so a kill left it."""
    run = _run(tmp_path / "run")
    (tmp_path / "results" / "cpu" / records.RUN_ID).mkdir(parents=True)
    assert (publish(run, tmp_path / "results") / "journal.jsonl").is_file()


def test_publishing_writes_the_noise_that_reading_gives(tmp_path: Path) -> None:
    """noise.json is made before the run is in its place, and must not depend on that."""
    results = tmp_path / "results"
    for letter in "bac":  # not in the order of their names
        publish(_launches(tmp_path / letter, f"20261124T070000Z-0000000{letter}", 3), results)
    written = (results / "cpu" / NOISE).read_bytes()
    write_noise(results / "cpu")
    assert (results / "cpu" / NOISE).read_bytes() == written


def _asked(run: Path, results: Path, answer: str) -> tuple[int, str]:
    """Publish at a terminal of its own; return the exit code and what it showed."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "suite", "publish", str(run), "--into", str(results)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    _, errors = child.communicate(timeout=60)
    os.close(ours)
    return child.returncode, errors


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("yes", 0), ("n", 2), ("", 2)])
def test_somebody_is_asked_to_look_first(tmp_path: Path, answer: str, code: int) -> None:
    """What was taken out and what is left stands above the question; only yes is yes."""
    plan = records.plan(methods=("lora",))
    tail = ("cache in /home/ada/.cache/x", "then it failed")
    with run_folder.create(tmp_path / "run", plan) as run:
        run.append(records.failed(outcome="error", reason="at 10.1.2.3", output_tail=tail))
    found, shown = _asked(tmp_path / "run", tmp_path / "results", answer)
    assert found == code
    assert "1  home folder, in output_tail" in shown
    assert "1  IP address, in reason" in shown
    assert "then it failed" in shown
    assert "ada" not in shown
    assert "Publish 1 record as" in shown
    assert (tmp_path / "results").exists() is (code == 0)


def test_a_link_with_the_name_of_a_folder_that_was_left_stays(tmp_path: Path) -> None:
    """It cannot be one of ours: publishing neither follows nor removes it, and goes on."""
    victim = tmp_path / "victim"
    victim.mkdir()
    link = tmp_path / "results" / "cpu" / ".publishing-00000000"
    link.parent.mkdir(parents=True)
    link.symlink_to(victim)
    assert publish(_run(tmp_path / "run"), tmp_path / "results").is_dir()
    assert link.is_symlink()
    assert victim.is_dir()


def test_a_script_says_yes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal nobody can look: exit code 2 with the way out, and nothing is written."""
    run = _run(tmp_path / "run")
    arguments = ["publish", str(run), "--into", str(tmp_path / "results")]
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert "--yes" in shown.err
    assert shown.out == ""
    assert not (tmp_path / "results").exists()
    assert main([*arguments, "--yes"]) == 0
    assert Path(capsys.readouterr().out.strip()).is_dir()


def test_whose_results_these_are_is_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every record says it, also where the name is one that would be taken out elsewhere."""
    run, results = _run(tmp_path / "run"), tmp_path / "results"
    said = ["--by", "ada", "--machine", "a desktop, in a cold room"]
    assert main(["publish", str(run), "--into", str(results), "--yes", *said]) == 0
    folder = Path(capsys.readouterr().out.strip())
    found = run_folder.read([folder])
    assert found.problems == ()
    expected = Origin(name="ada", machine="a desktop, in a cold room")
    assert {record.origin for record in found.records} == {expected}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (["--by", " ada"], "--by: not one line of 1 to 60"),
        (["--by", "ada\n# mine"], "--by: not one line"),
        (["--by", "a" * 61], "--by: not one line"),
        (["--by", "ada", "--machine", "\u202emine"], "--machine: not one line of 1 to 200"),
        (["--machine", "mine"], "--machine says more of --by"),
    ],
)
def test_an_origin_is_a_line_that_can_stand_in_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: list[str], reason: str
) -> None:
    """It is shown beside numbers: no other line, no hidden letter; and nothing is written."""
    run, results = _run(tmp_path / "run"), tmp_path / "results"
    assert main(["publish", str(run), "--into", str(results), "--yes", *said]) == 2
    assert reason in capsys.readouterr().err
    assert not results.exists()


def test_publishing_ends_with_the_next_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check that CI makes can be copied; of git only where the folder is in the checkout."""
    run, results = _run(tmp_path / "run"), tmp_path / "results"
    assert main(["publish", str(run), "--into", str(results), "--yes", "--by", "ada"]) == 0
    shown = capsys.readouterr()
    folder = shown.out.strip()
    assert shown.err.endswith(f"Next:\n  ./tunebench validate --strict {folder}\n")
    shutil.rmtree(folder)
    monkeypatch.setattr("suite.verbs.publish.RESULTS", results)
    assert main(["publish", str(run), "--into", str(results), "--yes"]) == 0
    own, commit, push = capsys.readouterr().err.partition("Next:\n")[2].splitlines()
    assert own.strip() == f"./tunebench validate --strict --own {folder}"
    assert f"git switch -c results-cpu-{folder.rpartition('-')[2]} && git add --all" in commit
    assert "pull request" in push


def test_anothers_scatter_is_not_ours(tmp_path: Path) -> None:
    """Where the project calibrated a GPU itself, a noisy session of others gates nothing."""
    results = tmp_path / "results"

    def give(run_id: str, origin: Origin | None) -> set[str]:
        plan = records.plan(run_id=run_id, methods=("lora",), launches=3)
        with run_folder.create(tmp_path / run_id, plan) as run:
            for launch in (1, 2, 3):
                run.append(records.record(run_id=run_id, launch=launch, seconds=launch / 10))
        publish(tmp_path / run_id, results, origin=origin)
        content = (results / "cpu" / NOISE).read_bytes()
        return {each.run_id for each in msgspec.json.decode(content, type=NoiseFile).cases}

    first, second, third = (f"2026112{day}T070000Z-0123abcd" for day in (4, 5, 6))
    assert give(first, Origin(name="ada")) == {first}
    assert give(second, None) == {second}
    assert give(third, Origin(name="bob")) == {second}


def test_a_run_with_a_damaged_line_is_refused(tmp_path: Path):
    """What cannot be read must not be dropped silently on the way to publication."""
    run = _run(tmp_path / "run")
    with (run / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"half": ')
    with pytest.raises(BadInput, match="not fit"):
        publish(run, tmp_path / "results")


def test_a_scrubbed_record_carries_the_digest_of_its_own_content(tmp_path: Path):
    """A reader can check that a published record was not edited afterwards."""
    folder = publish(_run(tmp_path / "run"), tmp_path / "results")
    from suite.results.record import seal

    for record in run_folder.read([folder]).records:
        assert seal(record) == record
        assert msgspec.json.encode(record)
