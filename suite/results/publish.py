"""Make a run fit to be published: read it whole, take out what identifies a machine, file it.

Nothing measured changes (``suite.results.redaction`` says what does). A scrubbed record gets its
own ``record_id``, since that is a digest of its content. A run is written beside its place and
then renamed, so that it is published whole or not at all.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from suite.errors import BadInput, WrongMachine
from suite.results import noise
from suite.results.collection import NOISE
from suite.results.record import Record, encode, seal
from suite.results.redaction import identities
from suite.results.redaction.scrub import Scrubber, Taken, learned, scrub
from suite.results.store import JOURNAL, PLAN, Plan, read
from suite.wire import Struct

__all__ = ["Draft", "publish", "scrub", "write_noise"]

#: Of the folder that a run is written in first. Hidden, so that no reader takes it for a result.
BESIDE = ".publishing-"


class Draft(Struct, frozen=True, kw_only=True):
    """What would be published: for whoever looks at it before it is written."""

    folder: Path  #: where it would be
    plan: Plan
    records: tuple[Record, ...]
    taken: tuple[Taken, ...]


def publish(
    run: Path,
    results: Path,
    *,
    partial: bool = False,
    look: Callable[[Draft], None] | None = None,
) -> Path:
    """Write ``run``, scrubbed, to ``results/PROFILE/RUN_ID/`` and return that folder.

    ``results/PROFILE/noise.json`` is written anew from all runs that are published there.
    ``partial`` lets a run pass whose planned cases do not all have a record: the plan goes along,
    so readers see what is missing. ``look`` is shown what would be written, and raises to stop it.
    Raises BadInput when the run has unusable lines, unfinished cases or is published already,
    WrongMachine when the folder cannot be written. Whatever is raised, nothing is left behind.
    """
    plan, records = _fit(run, partial=partial)
    folder = results / plan.profile / plan.run_id
    if _published(folder):
        write_noise(folder.parent)  # a call that was killed may not have got there
        raise BadInput(f"{folder}: is published already")
    draft = _scrubbed(folder, plan, records)
    if look is not None:
        look(draft)
    try:
        with _beside(folder) as part:
            _write(part / folder.name, draft)
            scatter = _noise_beside(part, folder.parent, draft.records)
            if _published(folder):  # another process was faster
                raise BadInput(f"{folder}: is published already")
            folder.parent.mkdir(parents=True, exist_ok=True)
            (part / folder.name).replace(folder)
            if scatter is not None:
                scatter.replace(folder.parent / NOISE)
            _sync(folder.parent)
    except OSError as error:
        raise WrongMachine(
            f"{folder}: cannot be written: {error.strerror}; nothing is published",
            hint="Free space or make it writable, then publish it again.",
        ) from error
    return folder


def _fit(run: Path, *, partial: bool) -> tuple[Plan, tuple[Record, ...]]:
    """Return a run's plan and records; raises BadInput where they are not fit to be published."""
    found = read([run])
    if found.problems:
        lines = "".join(f"\n  {problem}" for problem in found.problems)
        raise BadInput(f"{run}: not fit to be published:{lines}")
    if len(found.plans) != 1:
        raise BadInput(f"{run}: {len(found.plans)} runs in one folder; give one run")
    (plan,) = found.plans
    if (missing := found.missing()) and not partial:
        _, launch, case = missing[0]
        raise BadInput(
            f"{run}: {len(missing)} of {plan.total} cases have no record"
            f" (first: {case.case_id}, launch {launch})",
            hint=f"Finish it: ./tunebench run --resume {run}, or publish it with --partial.",
        )
    return plan, found.records


def _scrubbed(folder: Path, plan: Plan, records: tuple[Record, ...]) -> Draft:
    scrubber = Scrubber(learned([plan, *records], known=identities.own()))
    done = tuple(seal(scrubber.scrub(scrubber.trim(record))) for record in records)
    bare = scrubber.plan(plan)
    return Draft(folder=folder, plan=bare, records=done, taken=scrubber.taken)


def _published(folder: Path) -> bool:
    """Return whether something is there; an empty folder is what older versions left behind."""
    return os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir()))


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """Make a hidden folder on the disk of ``folder``, locked while it is used; remove it after.

    What killed calls left there, nobody holds a lock on, so it is removed as well. So are the
    folders on the way that this call made and did not need.
    """
    made = [place for place in folder.parents if not place.exists()]
    home = next(place for place in folder.parents if place.exists())
    for place in folder.parents[:3]:  # the profile's, that of all results, and above
        for stale in place.glob(f"{BESIDE}*"):
            with suppress(OSError), _locked(stale):
                shutil.rmtree(stale)
    part = Path(tempfile.mkdtemp(prefix=BESIDE, dir=home))
    try:
        with _locked(part):
            yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)
        for place in made:
            with suppress(OSError):
                place.rmdir()  # only where it is empty


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # freed when we die
        yield
    finally:
        os.close(descriptor)


def _write(part: Path, draft: Draft) -> None:
    part.mkdir()
    plan = msgspec.json.format(msgspec.json.encode(draft.plan), indent=1) + b"\n"
    journal = b"".join(encode(record) + b"\n" for record in draft.records)
    for name, content in ((JOURNAL, journal), (PLAN, plan)):
        _put(part / name, content)
    _sync(part)


def _noise_beside(part: Path, profile: Path, records: tuple[Record, ...]) -> Path | None:
    """Write what ``noise.json`` of the profile's folder will be; None where there is none yet.

    Before the run is in its place, so that a full disk stops both.
    """
    runs = profile.glob(f"[!.]*/{PLAN}")
    known = read([profile]).records if any(runs) else ()
    # As a reader of the folder finds them: by the names of runs.
    every = sorted((*known, *records), key=lambda record: record.run_id)
    content = noise.file_content(every)
    if content is None:
        return None
    path = part / NOISE
    _put(path, content)
    return path


def _put(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_noise(folder: Path) -> None:
    """Write ``noise.json`` of a profile's folder anew; take it away where no case has enough.

    Raises WrongMachine when the folder cannot be written; the file is then as it was before.
    """
    content, path = noise.file_content(read([folder]).records), folder / NOISE
    part = path.with_suffix(".part")
    try:
        if content is None:
            path.unlink(missing_ok=True)
        elif not path.is_file() or path.read_bytes() != content:
            part.write_bytes(content)
            part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise WrongMachine(f"{path}: cannot be written: {error.strerror}") from error
