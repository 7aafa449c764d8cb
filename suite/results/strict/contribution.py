"""May a folder of results that somebody gives be published? The strict rules, one run at a time.

A run folder lies at ``PROFILE/RUN_ID`` and holds the plan and the journal, as ``publish`` writes
them. Each rule yields what breaks it: the file and one reason. The rules on a single record are in
``suite.results.strict.provenance``.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from suite import units
from suite.catalog import profile as profiles
from suite.errors import BadInput
from suite.results.plan import Plan
from suite.results.record import ALIKE_SINCE, SCHEMA, Record
from suite.results.redaction.scrub import Scrubber, learned
from suite.results.scatter import noise
from suite.results.storage.problems import Problem, Problems
from suite.results.storage.reader import JOURNAL, NOISE, PLAN, Collection, read
from suite.results.storage.walk import walk
from suite.results.strict import provenance
from suite.results.validity.failed import failures
from suite.wire import Struct

#: Whether a commit is in the history of the suite; None is unknown.
Known = Callable[[str], bool | None]


class Contribution(Struct, frozen=True, kw_only=True):
    """One run folder and what speaks against it; ``plan`` is None where it cannot be used."""

    folder: Path
    plan: Plan | None
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]


def contributions(path: Path, *, own: bool, known: Known) -> list[Contribution]:
    """Return every run folder at or below ``path``, judged; raises BadInput where there is none.

    ``own``: the results are the project's, and need no origin.
    """
    if not path.is_dir():
        raise BadInput(f"{path}: not a folder of results")
    unread: list[Problem] = []
    found = [
        here
        for here, _, names in walk(
            path, lambda where, why: unread.append(Problem(path=str(where), reason=why))
        )
        if not {PLAN, JOURNAL}.isdisjoint(names)
    ]
    if not found:
        raise BadInput(
            f"{path}: no results: no folder here has {PLAN} and {JOURNAL}",
            hint="Give what ./tunebench publish printed.",
        )
    judged = [contribution(folder, own=own, known=known) for folder in sorted(found)]
    if unread:
        nothing = Contribution(folder=path, plan=None, records=(), problems=tuple(unread))
        judged.append(nothing)
    return judged


def contribution(folder: Path, *, own: bool, known: Known) -> Contribution:
    """Return one run folder, judged by every rule."""
    try:
        found = read([folder])
    except BadInput as error:
        problem = Problem(path=str(folder), reason=error.message)
        return Contribution(folder=folder, plan=None, records=(), problems=(problem,))
    plan = found.plans[0] if found.plans else None
    problems = Problems()
    there = (folder / PLAN).is_file()
    for each in found.problems:
        # The reader's word for a missing plan is that records are used all the same.
        if there or each.path != str(folder):
            problems.add(Path(each.path), each.reason, each.line, stands_for=each.stands_for)
    if not there:
        problems.add(folder / PLAN, "is missing: what the session set out to do is unknown")
    for entry in sorted(folder.iterdir()):
        if entry.name not in (PLAN, JOURNAL):
            problems.add(entry, "is no part of a published run: remove it")
    if plan is not None:
        for file, why in _of_run(folder, plan, found, own=own, known=known):
            problems.add(file, why)
    return Contribution(folder=folder, plan=plan, records=found.records, problems=problems.all())


def _of_run(
    folder: Path, plan: Plan, found: Collection, *, own: bool, known: Known
) -> Iterator[tuple[Path, str]]:
    records = found.records
    yield from ((folder / PLAN, why) for why in _plan(folder, plan))
    profile = profiles.known(plan.profile)
    if profile is not None and not profile.verified:
        why = "says verified = false: with results of the GPU it is true"
        yield profiles.FOLDER / f"{profile.name}.toml", why
    failed = {record.record_id: why for record, why in failures(records)}
    each_record = (
        *provenance.rules(plan, profile, own=own),
        lambda record: _one(failed, record),
    )
    reasons = chain(
        _complete(plan, found),
        *(_told(records, rule) for rule in each_record),
        _together(records, known),
        _names_a_machine(plan, records),
    )
    yield from ((folder / JOURNAL, why) for why in reasons)
    if folder.parent.name == plan.profile:
        yield from ((folder.parent / NOISE, why) for why in _noise(folder.parent))


def _one(reasons: dict[str, str], record: Record) -> Iterator[str]:
    if record.record_id in reasons:
        yield reasons[record.record_id]


def _told(records: Iterable[Record], rule: Callable[[Record], Iterable[str]]) -> Iterator[str]:
    """Yield each reason that a rule finds once, and the records that it is true of."""
    found: dict[str, list[Record]] = {}
    for record in records:
        for why in rule(record):
            found.setdefault(why, []).append(record)
    for why, broken in found.items():
        first, more = broken[0], len(broken) - 1
        others = f" and {units.counted(more, 'more record')}" if more else ""
        yield f"{first.case_id}, repeat {first.launch}{others}: {why}"


def _plan(folder: Path, plan: Plan) -> Iterator[str]:
    if plan.schema < ALIKE_SINCE:
        yield f"schema {plan.schema}, the current one is {SCHEMA}: measure with today's suite"
    if folder.resolve().name != plan.run_id:
        yield f"the folder is called {folder.resolve().name!r}, the session {plan.run_id!r}"
    for twin in sorted(folder.resolve().parent.parent.glob(f"*/{plan.run_id}")):
        if twin != folder.resolve():
            yield f"a session of that id is published in {twin.parent.name!r} already"
    if folder.resolve().parent.name != plan.profile:
        above = folder.resolve().parent.name
        yield f"was measured under profile {plan.profile!r}, but lies in the folder {above!r}"
    if profiles.known(plan.profile) is None:
        yield (
            f"no file hardware_profiles/{plan.profile}.toml describes the GPU: add one"
            " (hardware_profiles/README.md), commit it, and measure again"
        )


def _complete(plan: Plan, found: Collection) -> Iterator[str]:
    for _, launch, case in found.missing():
        yield f"{case.case_id}, repeat {launch}: is planned, but has no record"
    planned = {case.case_id: case for case in plan.cases}
    for record in found.records:
        where = f"{record.case_id}, repeat {record.launch}"
        if record.case_id not in planned or record.launch > plan.launches:
            yield f"{where}: is not planned in {PLAN}"
        elif record.case != planned[record.case_id]:
            yield f"{where}: its case is not the one that {PLAN} has"


def _together(records: Iterable[Record], known: Known) -> Iterator[str]:
    """Yield what may not change within a run, and commits that nobody can look up."""
    seen: dict[str, dict[object, None]] = {}
    for record in records:
        seen.setdefault("origin", {})[record.origin] = None
        seen.setdefault("revision of the suite", {})[record.environment.revision] = None
        if (gpu := record.environment.gpu) is not None:
            seen.setdefault("GPU", {})[gpu.uuid_hash] = None
            seen.setdefault("driver", {})[gpu.driver] = None
    for what, values in seen.items():
        if len(values) > 1:
            yield f"the {what} changed within the session: {len(values)} of them"
    for revision in seen.get("revision of the suite", {}):
        if isinstance(revision, str) and known(revision) is False:
            yield (
                f"revision {revision[:12]} of the suite is in no history here: measure with a"
                " commit of the project, or with one that the pull request brings"
            )


def _names_a_machine(plan: Plan, records: Iterable[Record]) -> Iterator[str]:
    listed = list(records)
    scrubber = Scrubber(learned([plan, *listed]))
    scrubber.scrub(plan)
    for record in listed:
        scrubber.scrub(record)
    for taken in scrubber.taken:
        yield f"a {taken.kind} stands in {taken.where}: publish takes that out"


def _noise(profile: Path) -> Iterator[str]:
    content, file = noise.file_content(read([profile]).records), profile / NOISE
    size = file.stat().st_size if file.is_file() and not file.is_symlink() else None
    # The size first: a stranger's file may be as large as a disk.
    same = size is None if content is None else size == len(content)
    if not same or (content is not None and file.read_bytes() != content):
        yield f"is not what the records of {profile.name} give: publish writes it"
