"""Make a run fit to be published: read it whole, take out what identifies a machine, file it.

Nothing measured changes (``suite.results.redaction`` says what does). A scrubbed record gets its
own ``record_id``, since that is a digest of its content. A run is written beside its place and
then renamed, so that it is published whole or not at all.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from suite.errors import BadInput, WrongMachine
from suite.results.record import Origin, Record, encode, seal
from suite.results.redaction import identities
from suite.results.redaction.scrub import Scrubber, Taken, learned, scrub
from suite.results.scatter import noise
from suite.results.storage.folder import Folder, open_folder
from suite.results.storage.reader import NOISE
from suite.results.storage.run_folder import JOURNAL, PLAN, Plan, read
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
    origin: Origin | None = None,
    look: Callable[[Draft], None] | None = None,
) -> Path:
    """Write ``run``, scrubbed, to ``results/PROFILE/RUN_ID/`` and return that folder.

    ``results/PROFILE/noise.json`` is written anew from all runs that are published there.
    ``origin`` says whose the results are; None is the project's own.
    ``partial`` lets a run pass whose planned cases do not all have a record: the plan goes along,
    so readers see what is missing. ``look`` is shown what would be written, and raises to stop it.
    A run that is there already, but not in ``noise.json``, is one whose call ended in between:
    that is made up for. Raises BadInput when the run has unusable lines, unfinished cases, the
    name of a file or is published already, WrongMachine when the folder cannot be written.
    Whatever is raised, the run is published whole or not at all, as the message says, and nothing
    else is left behind.
    """
    plan, records = _fit(run, partial=partial)
    folder = results / plan.profile / plan.run_id
    if _published(folder):
        if _made_up_for(folder, records):
            return folder
        raise BadInput(f"{folder}: is published already")
    draft = _scrubbed(folder, plan, records, origin)
    if look is not None:
        look(draft)
    missing = [place for place in folder.parents if not place.exists()]
    try:
        with (
            open_folder(results.resolve(), make=True) as top,
            top.folder(plan.profile) as place,
            place.held(),  # else the noise of two calls at once would lack one of the runs
            _beside(place) as fresh,
        ):
            _write(fresh, folder, draft)
            if _published(folder):  # another process was faster
                raise BadInput(f"{folder}: is published already")
            fresh.rename(folder.name, folder.name, into=place)
            if fresh.kind(NOISE) is None:
                place.unlink(NOISE)  # no case has launches enough
            else:
                fresh.rename(NOISE, NOISE, into=place)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    finally:
        _remove_empty(missing)
    return folder


def _fit(run: Path, *, partial: bool) -> tuple[Plan, tuple[Record, ...]]:
    """Return a run's plan and records; raises BadInput where they are not fit to be published."""
    collection = read([run])
    if collection.problems:
        lines = "".join(f"\n  {problem}" for problem in collection.problems)
        raise BadInput(f"{run}: not fit to be published:{lines}")
    if len(collection.plans) != 1:
        raise BadInput(f"{run}: {len(collection.plans)} sessions in one folder; give one")
    (plan,) = collection.plans
    for name in (plan.profile, plan.run_id):
        if name.endswith((".json", ".jsonl")):
            raise BadInput(f"{run}: {name!r} is the name of a file; nothing can be filed under it")
    if (missing := collection.missing()) and not partial:
        _, launch, case = missing[0]
        raise BadInput(
            f"{run}: {len(missing)} of {plan.total} cases have no result"
            f" (first: {case.case_id}, repeat {launch})",
            hint=f"Finish it: ./tunebench run --resume {run}, or publish it with --partial.",
        )
    return plan, collection.records


def _scrubbed(
    folder: Path, plan: Plan, records: tuple[Record, ...], origin: Origin | None
) -> Draft:
    scrubber = Scrubber(learned([plan, *records], known=identities.own()))
    bare_records = (scrubber.scrub(scrubber.trim(record)) for record in records)
    # Afterwards: who gives a name, maybe that of their user here, wants it published.
    done = tuple(seal(msgspec.structs.replace(each, origin=origin)) for each in bare_records)
    bare = scrubber.plan(plan)
    return Draft(folder=folder, plan=bare, records=done, taken=scrubber.taken)


def _published(folder: Path) -> bool:
    """Return whether something is there; an empty folder is what older versions left behind."""
    return os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir()))


def _made_up_for(folder: Path, records: Sequence[Record]) -> bool:
    """Do what a call that ended after filing this run left undone; return whether it was any."""
    try:
        with open_folder(folder.parent) as place, place.held():
            _sweep(place)
            was_missing = write_noise(folder.parent)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return was_missing and len(read([folder]).records) == len(records)


def _cannot_write(folder: Path, error: OSError) -> WrongMachine:
    """Return what is said, which depends on how far it got."""
    done = f"the session is published, {NOISE} beside it may lack it"
    what = done if _published(folder) else "nothing is published"
    return WrongMachine(
        f"{folder}: cannot be written: {error.strerror}; {what}",
        hint="Free space or make it writable, then publish it again.",
    )


def _sweep(place: Folder) -> None:
    """Remove what killed calls left in a profile's folder: nobody holds it."""
    for name in place.names():
        if name.startswith(BESIDE):
            idle = False  # nor is what cannot be opened, say a link, ours to remove
            with suppress(OSError, BadInput), place.folder(name, make=False) as inner:
                idle = inner.idle
            if idle:
                place.remove(name)


@contextmanager
def _beside(place: Folder) -> Iterator[Folder]:
    """Make a hidden folder in a profile's, held while it is used; remove it after."""
    _sweep(place)
    name = f"{BESIDE}{secrets.token_hex(4)}"
    try:
        with place.make(name) as fresh, fresh.held():
            yield fresh
    finally:
        with suppress(OSError):
            place.remove(name)


def _remove_empty(missing: Sequence[Path]) -> None:
    """Remove the folders on the way that a call made and did not need, the nearest first."""
    for path in missing:
        with suppress(OSError, BadInput), open_folder(path.parent.resolve()) as above:
            above.remove_empty(path.name)


def _write(fresh: Folder, folder: Path, draft: Draft) -> None:
    """Write the run, and what ``noise.json`` beside it will be, into the folder made for them.

    Both before the run is in its place, so that a full disk stops both.
    """
    plan = msgspec.json.format(msgspec.json.encode(draft.plan), indent=1) + b"\n"
    journal = b"".join(encode(record) + b"\n" for record in draft.records)
    with fresh.make(folder.name) as inner:
        inner.create(JOURNAL, journal)
        inner.create(PLAN, plan)
    if (scatter := _noise_with(folder.parent, draft.records)) is not None:
        fresh.create(NOISE, scatter)


def _noise_with(profile: Path, records: tuple[Record, ...]) -> bytes | None:
    """Return what ``noise.json`` of a profile's folder will hold with these records as well."""
    runs = profile.glob(f"[!.]*/{PLAN}")
    known = read([profile]).records if any(runs) else ()
    # As a reader of the folder finds them: by the names of runs.
    every = sorted((*known, *records), key=lambda record: record.run_id)
    return noise.file_content(every)


def write_noise(folder: Path) -> bool:
    """Write ``noise.json`` of a profile's folder anew; take it away where no case has enough.

    Returns whether it was another before. Raises WrongMachine when the folder cannot be written;
    the file is then as it was before.
    """
    content, path = noise.file_content(read([folder]).records), folder / NOISE
    try:
        with open_folder(folder) as opened:
            there = opened.kind(NOISE) is not None
            if content is None:
                opened.unlink(NOISE)
                return there
            if path.is_file() and path.read_bytes() == content:
                return False
            opened.write(NOISE, content)
            return True
    except OSError as error:
        raise WrongMachine(f"{path}: cannot be written: {error.strerror}") from error
