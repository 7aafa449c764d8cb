"""The strict rules: what somebody gives is whole and says where it comes from, or is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from suite.errors import BadInput
from suite.paths import RESULTS
from suite.results.publish import write_noise
from suite.results.record import Finding, Record
from suite.results.storage.reader import JOURNAL, NOISE, PLAN
from suite.results.strict.contribution import contribution, contributions
from support import contributed, records

#: A whole session on an H100, published with this checkout.
H100 = RESULTS / "h100-sxm" / "20261128T005938Z-00bb50e3"


def known(revision: str) -> bool:
    return revision == contributed.REVISION


def reasons(folder: Path, *, own: bool = False) -> list[str]:
    found = contribution(folder, own=own, known=known)
    return [f"{Path(each.path).name}: {each.reason}" for each in found.problems]


def changed(**changes: object) -> Callable[[Record], Record]:
    return lambda record: msgspec.structs.replace(record, **changes)


def test_what_publish_writes_is_good(tmp_path: Path) -> None:
    """Else nobody could give anything; the project's own needs no origin, another's does."""
    folder = contributed.published(tmp_path / "results")
    assert reasons(folder) == []
    own = contributed.published(tmp_path / "own" / "results", origin=None)
    assert reasons(own, own=True) == []
    (reason,) = reasons(own)
    assert "names no origin" in reason
    assert "--by NAME" in reason


def spoil_line(folder: Path) -> None:
    journal = folder / JOURNAL
    journal.write_bytes(journal.read_bytes().replace(b'"loss":6.2,', b'"loss":6.1,', 1))


def second_only(record: Record) -> Record | None:
    return record if record.launch == 2 else None


def unplanned(record: Record) -> Record:
    return msgspec.structs.replace(record, launch=record.launch + 1)


def one_by_bob(record: Record) -> Record:
    whose = (
        contributed.ADA
        if record.launch == 1
        else msgspec.structs.replace(contributed.ADA, name="bob")
    )
    return msgspec.structs.replace(record, origin=whose)


WARNING = Finding(name="persistence", status="warn", detail="off")
BLOCK = Finding(name="driver", status="block", detail="470; CUDA 13 needs 580 or newer")
BROKEN = [
    (second_only, f"{JOURNAL}: tiny-qwen3-lora, repeat 1: is planned, but has no record"),
    (unplanned, f"{JOURNAL}: tiny-qwen3-lora, repeat 3: is not planned"),
    (contributed.surrounded(dirty=True), "and 1 more record: the suite had local changes"),
    (contributed.surrounded(dirty=None), "does not say whether the suite had local changes"),
    (contributed.surrounded(revision=None), "does not say which revision"),
    (contributed.surrounded(revision="main"), "revision 'main' of the suite is no commit"),
    (contributed.surrounded(revision="f" * 40), "revision ffffffffffff of the suite is in no"),
    (contributed.surrounded(lock_hash=None), "says nothing in environment.lock_hash"),
    (contributed.surrounded(probe=None), "says nothing in environment.probe"),
    (changed(effective=None, checks=()), "says nothing in effective, checks"),
    (contributed.surrounded(preflight=()), "has no preflight"),
    (contributed.surrounded(preflight=(BLOCK,)), "preflight failed: driver: 470"),
    (contributed.surrounded(preflight=(WARNING,)), "is not in its notes: persistence: off"),
    (changed(schema=2), "schema 2, the current one is 4"),
    (changed(profile="h100-sxm"), "is of profile 'h100-sxm', the plan of 'cpu'"),
    (changed(outcome="error", reason="it broke"), "error: it broke"),
    (one_by_bob, "the origin changed within the session: 2 of them"),
    (changed(notes=("kept in /home/ada/x",)), "a home folder stands in notes"),
]


@pytest.mark.parametrize(("change", "reason"), BROKEN, ids=[each[1] for each in BROKEN])
def test_each_rule_is_named_where_it_is_broken(
    tmp_path: Path, change: Callable[[Record], Record | None], reason: str
) -> None:
    """The file, the record and what is wrong with it: enough to put it right."""
    folder = contributed.published(tmp_path / "results")
    contributed.rewrite(folder, change)
    assert any(reason in each for each in reasons(folder)), reasons(folder)


def test_a_warning_that_is_said_is_no_fault(tmp_path: Path) -> None:
    """Persistence is off on most desktops: readers are told, and that is enough."""
    folder = contributed.published(tmp_path / "results")
    contributed.rewrite(folder, contributed.surrounded(preflight=(WARNING,)))
    contributed.rewrite(folder, changed(notes=("persistence: off",)))
    assert reasons(folder) == []


def test_an_edited_number_is_found(tmp_path: Path) -> None:
    """The record's digest is over its content."""
    folder = contributed.published(tmp_path / "results")
    spoil_line(folder)
    assert any("edited or damaged" in each for each in reasons(folder))


def test_the_folder_is_that_of_the_profile_and_the_run(tmp_path: Path) -> None:
    """A result under another GPU's name would be that GPU's number."""
    folder = contributed.published(tmp_path / "results")
    there = tmp_path / "results" / "rtx-4090" / "mine"
    there.parent.mkdir()
    folder.rename(there)
    found = reasons(there)
    assert f"{PLAN}: the folder is called 'mine', the session {records.RUN_ID!r}" in found
    assert any("profile 'cpu', but lies in the folder 'rtx-4090'" in each for each in found)


def test_a_run_is_published_once(tmp_path: Path) -> None:
    """Of two folders with one id, a reader would leave one out."""
    folder = contributed.published(tmp_path / "results")
    shutil.copytree(folder, tmp_path / "results" / "h100-sxm" / folder.name)
    assert reasons(folder) == [f"{PLAN}: a session of that id is published in 'h100-sxm' already"]


def test_files_that_are_missing_or_do_not_belong_are_named(tmp_path: Path) -> None:
    """A plan says what is missing; anything else beside the two files is nobody's."""
    folder = contributed.published(tmp_path / "results")
    (folder / "notes.txt").write_text("hello")
    assert reasons(folder) == ["notes.txt: is no part of a published run: remove it"]
    (folder / "notes.txt").unlink()
    (folder / PLAN).unlink()
    assert reasons(folder) == [f"{PLAN}: is missing: what the session set out to do is unknown"]
    (folder / JOURNAL).unlink()
    with pytest.raises(BadInput, match="no results"):
        contributions(folder, own=False, known=known)


def test_noise_is_what_the_records_give(tmp_path: Path) -> None:
    """A wider scatter, written by hand, would let any slowdown pass."""
    folder = contributed.published(tmp_path / "results")
    (folder.parent / NOISE).write_text("{}")
    assert reasons(folder) == [f"{NOISE}: is not what the records of cpu give: publish writes it"]


def on_h100(tmp_path: Path) -> Path:
    folder = tmp_path / "h100-sxm" / H100.name
    shutil.copytree(H100, folder)
    write_noise(folder.parent)
    return folder


def test_a_session_of_this_project_passes(tmp_path: Path) -> None:
    """The rules are no more than what a careful session on a real GPU gives anyway."""
    found = contribution(on_h100(tmp_path), own=True, known=lambda _: None)
    assert found.problems == ()
    assert len(found.records) == found.plan.total if found.plan else False


def renamed(record: Record) -> Record:
    gpu = record.environment.gpu
    assert gpu is not None
    gpu = msgspec.structs.replace(gpu, name="NVIDIA H200")
    return contributed.surrounded(gpu=gpu)(record)


def renamed_throughout(record: Record) -> Record:
    versions = record.environment.versions
    assert versions is not None
    versions = msgspec.structs.replace(versions, device_name="NVIDIA H200")
    return contributed.surrounded(versions=versions)(renamed(record))


def of_another_size(record: Record) -> Record:
    gpu = record.environment.gpu
    assert gpu is not None
    gpu = msgspec.structs.replace(gpu, memory_total_bytes=24 << 30)
    return contributed.surrounded(gpu=gpu)(record)


def second_card(record: Record) -> Record:
    gpu = record.environment.gpu
    assert gpu is not None
    gpu = msgspec.structs.replace(gpu, uuid_hash=f"{record.launch % 2:016x}")
    return contributed.surrounded(gpu=gpu)(record)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (renamed, "PyTorch saw the GPU 'NVIDIA H100 80GB HBM3', the driver 'NVIDIA H200'"),
        (renamed_throughout, "was measured on 'NVIDIA H200'; profile 'h100-sxm' is 'NVIDIA H100"),
        (of_another_size, "its GPU has another memory than that of profile 'h100-sxm'"),
        (contributed.surrounded(gpu=None), "names no GPU, but profile 'h100-sxm' has one"),
        (second_card, "the GPU changed within the session: 2 of them"),
        (changed(telemetry=None), "says nothing in telemetry"),
    ],
)
def test_the_gpu_is_that_of_the_profile(
    tmp_path: Path, change: Callable[[Record], Record], reason: str
) -> None:
    """Its name, its memory and what PyTorch saw say the same in every record."""
    folder = on_h100(tmp_path)
    contributed.rewrite(folder, change)
    found = contribution(folder, own=True, known=lambda _: None)
    assert any(reason in each.reason for each in found.problems), found.problems


def test_a_gpu_with_results_is_verified(tmp_path: Path) -> None:
    """Its profile says so in the same pull request; nothing else is wrong with such a session."""
    folder = contributed.rtx_4090(tmp_path / "results", H100)
    found = contribution(folder, own=False, known=lambda _: None)
    (problem,) = found.problems
    assert problem.path.endswith("hardware_profiles/rtx-4090.toml")
    assert "verified = false" in problem.reason


def wrong_loss(record: Record) -> Record:
    if record.method != "unsloth-lora":
        return record
    steps = tuple(
        msgspec.structs.replace(step, loss=step.loss and step.loss * 1.1) for step in record.steps
    )
    return msgspec.structs.replace(record, steps=steps)


def test_losses_agree_with_their_reference(tmp_path: Path) -> None:
    """A method that trains something else is not fast."""
    folder = on_h100(tmp_path)
    contributed.rewrite(folder, wrong_loss)
    found = contribution(folder, own=True, known=lambda _: None)
    assert any("losses differ: first loss is" in each.reason for each in found.problems)
