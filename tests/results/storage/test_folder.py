"""Files of runs are opened for writing in one place, which follows no link."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.errors import BadInput
from suite.results.storage import run_folder
from suite.results.storage.folder import Folder, open_folder, split
from support import records

WAYS: dict[str, Callable[[Folder], object]] = {
    "append": lambda folder: folder.append("name", b"more"),
    "put": lambda folder: folder.put("name", b"more"),
    "cut": lambda folder: folder.cut("name", 1),
    "read": lambda folder: folder.read("name"),
    "lock": lambda folder: folder.locked("name"),
    "folder": lambda folder: folder.folder("name"),
}


def link(kind: str, place: Path, victim: Path) -> None:
    """Make a link of a kind to a victim, which is made unless the link dangles."""
    if kind == "dangling":
        place.symlink_to(victim.with_name("missing"))
        return
    victim.write_text("precious")
    if kind == "hard":
        place.hardlink_to(victim)
    else:
        place.symlink_to(victim)


@pytest.mark.parametrize("kind", ["soft", "hard", "dangling"])
@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_writing_follows_a_link(tmp_path: Path, kind: str, way: str) -> None:
    """Whatever is done, the link is named and the file it leads to is as it was."""
    own = tmp_path / "own"
    own.mkdir()
    link(kind, own / "name", tmp_path / "victim")
    before = sorted(tmp_path.iterdir())
    with open_folder(own) as folder, pytest.raises((BadInput, NotADirectoryError)) as refused:
        WAYS[way](folder)
    assert kind == "hard" or "link" in str(refused.value)
    assert sorted(tmp_path.iterdir()) == before
    assert kind == "dangling" or (tmp_path / "victim").read_text() == "precious"


@pytest.mark.parametrize("kind", ["soft", "hard", "dangling"])
@pytest.mark.parametrize("name", ["name", ".name.part"])
def test_a_file_written_anew_takes_the_place_of_a_link(
    tmp_path: Path, kind: str, name: str
) -> None:
    """Neither it nor what is made before leads to the victim."""
    own = tmp_path / "own"
    own.mkdir()
    link(kind, own / name, tmp_path / "victim")
    with open_folder(own) as folder:
        folder.write("name", b"new")
    assert [(path.name, path.read_bytes()) for path in own.iterdir()] == [("name", b"new")]
    assert not (own / "name").is_symlink()
    assert kind == "dangling" or (tmp_path / "victim").read_text() == "precious"
    assert not (tmp_path / "missing").exists()


def test_a_pipe_holds_nobody_up(tmp_path: Path) -> None:
    """A pipe that nobody reads is refused at once."""
    os.mkfifo(tmp_path / "name")
    with open_folder(tmp_path) as folder:
        for way in ("append", "put", "cut", "read", "lock"):
            with pytest.raises(BadInput, match="no plain file"):
                WAYS[way](folder)


def test_removing_a_folder_stops_at_links(tmp_path: Path) -> None:
    """Links in it go, what they lead to stays; a link in its place goes as one."""
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text("precious")
    (tmp_path / "own" / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "own" / "deep" / "deeper" / "link").symlink_to(tmp_path / "victim")
    (tmp_path / "own" / "link").symlink_to(tmp_path / "victim")
    with open_folder(tmp_path / "own") as folder:
        folder.remove("deep")
        folder.remove("link")
        folder.remove("missing")
        assert folder.names() == []
    assert (tmp_path / "victim" / "file").read_text() == "precious"


@pytest.mark.parametrize("name", ["", ".", "..", "../own", "/etc", "a/b"])
def test_names_are_not_paths(tmp_path: Path, name: str) -> None:
    """What is no entry's name is a mistake of the program, not a place elsewhere."""
    with open_folder(tmp_path) as folder:
        for way in (folder.read, folder.folder, folder.make, folder.remove, folder.unlink):
            with pytest.raises(ValueError, match="no name"):
                way(name)


def test_the_folder_itself_is_no_link_but_those_above_may_be(tmp_path: Path) -> None:
    """Who keeps runs on another disk by a link goes on; a run that is a link is refused."""
    (tmp_path / "disk" / "run").mkdir(parents=True)
    (tmp_path / "runs").symlink_to(tmp_path / "disk")
    with open_folder(tmp_path / "runs" / "run") as folder:
        folder.write("name", b"")
    for make in (True, False):
        with pytest.raises(BadInput, match="runs: a link"):
            open_folder(tmp_path / "runs", make=make)
    assert split(tmp_path / "runs" / "new") == (tmp_path / "disk", "new")


def test_a_new_files_folder_is_synced_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal made before a power cut is there afterwards: file first, then its entry."""
    synced: list[int] = []
    really = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        really(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    run = tmp_path / "run"
    with run_folder.create(run, records.plan()) as opened:
        assert synced == [path.stat().st_ino for path in (tmp_path, run / "run.json", run)]
        synced.clear()
        opened.append(records.record(method="lora"))
        assert synced == [path.stat().st_ino for path in (run / "journal.jsonl", run)]


def test_a_run_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their folder, or one of their files in mine, is named with its owner and what to do."""
    run_folder.create(tmp_path / "run", records.plan()).close()
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with pytest.raises(BadInput, match=r"run: belongs to .*, not to you") as refused:
        run_folder.open_run(tmp_path / "run")
    assert "cp -r" in refused.value.hint


@pytest.mark.parametrize("kind", ["soft", "hard", "dangling"])
@pytest.mark.parametrize("name", ["notes", "journal.jsonl", "compiled", "compiled/case"])
def test_a_run_with_a_link_in_it_is_not_gone_on_with(tmp_path: Path, kind: str, name: str) -> None:
    """A link anywhere that a run writes is refused before anything is repaired."""
    run_folder.create(tmp_path / "run", records.plan()).close()
    (tmp_path / "run" / name).parent.mkdir(exist_ok=True)
    link(kind, tmp_path / "run" / name, tmp_path / "victim")
    with pytest.raises(BadInput, match=f"{name}: a (hard )?link"):
        run_folder.open_run(tmp_path / "run")
    assert kind == "dangling" or (tmp_path / "victim").read_text() == "precious"
