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
from suite.results import noise
from suite.results.collection import NOISE
from suite.results.folder import Folder, open_folder
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
    missing = [place for place in folder.parents if not place.exists()]
    try:
        with (
            open_folder(results.resolve(), make=True) as top,
            top.folder(plan.profile) as place,
            _beside(place) as fresh,
        ):
            _write(fresh, folder, draft)
            if _published(folder):  # another process was faster
                raise BadInput(f"{folder}: is published already")
            fresh.rename(folder.name, folder.name, into=place)
            if fresh.kind(NOISE) is None:
                place.remove(NOISE)  # no case has launches enough, or something else is there
            else:
                fresh.rename(NOISE, NOISE, into=place)
    except OSError as error:
        raise WrongMachine(
            f"{folder}: cannot be written: {error.strerror}; nothing is published",
            hint="Free space or make it writable, then publish it again.",
        ) from error
    finally:
        _remove_empty(missing)
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
def _beside(place: Folder) -> Iterator[Folder]:
    """Make a hidden folder in a profile's, held while it is used; remove it after.

    What killed calls left there nobody holds, so it is removed as well.
    """
    for name in place.names():
        if name.startswith(BESIDE):
            idle = False  # nor is what cannot be opened, say a link, ours to remove
            with suppress(OSError, BadInput), place.folder(name, make=False) as inner:
                idle = inner.idle
            if idle:
                place.remove(name)
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


def write_noise(folder: Path) -> None:
    """Write ``noise.json`` of a profile's folder anew; take it away where no case has enough.

    Raises WrongMachine when the folder cannot be written; the file is then as it was before.
    """
    content, path = noise.file_content(read([folder]).records), folder / NOISE
    try:
        with open_folder(folder) as opened:
            if content is None:
                opened.remove(NOISE)
            elif not path.is_file() or path.read_bytes() != content:
                opened.write(NOISE, content)
    except OSError as error:
        raise WrongMachine(f"{path}: cannot be written: {error.strerror}") from error
