"""Strict rules on one record of a run that somebody gives: where its numbers come from."""

import re
from collections.abc import Callable, Iterator

from suite.catalog import profile as profiles
from suite.catalog.profile import Profile
from suite.results.plan import Plan
from suite.results.record import ALIKE_SINCE, SCHEMA, Record

_COMMIT = re.compile(r"[0-9a-f]{40}")

Rule = Callable[[Record], Iterator[str]]


def rules(plan: Plan, profile: Profile | None, *, own: bool) -> tuple[Rule, ...]:
    """Return every rule on a record of a plan; each yields the reasons why it is broken.

    ``profile`` is the catalog's, None where it has none: then no GPU is the right one, which is
    said of the plan. ``own``: a record needs no origin.
    """

    def right_gpu(record: Record) -> Iterator[str]:
        if profile is not None:
            yield from _gpu(record, profile)

    def of_plan(record: Record) -> Iterator[str]:
        yield from _plan(record, plan)

    found = (_schema, of_plan, right_gpu, _revision, _provenance, _preflight)
    return found if own else (*found, _origin)


def _schema(record: Record) -> Iterator[str]:
    if record.schema < ALIKE_SINCE:
        yield f"schema {record.schema}, the current one is {SCHEMA}: measure with today's suite"


def _plan(record: Record, plan: Plan) -> Iterator[str]:
    if record.profile != plan.profile:
        yield f"is of profile {record.profile!r}, the plan of {plan.profile!r}"
    said = record.environment.suite_version, record.environment.runner
    if said != (plan.suite_version, plan.runner):
        yield f"suite {said[0]}, {said[1]}; the plan says {plan.suite_version}, {plan.runner}"
    if plan.weights == "path":
        yield "its weights come from a folder that nobody else has"


def _gpu(record: Record, profile: Profile) -> Iterator[str]:
    gpu, versions = record.environment.gpu, record.environment.versions
    if not profile.has_gpu:
        if gpu is not None:
            yield f"names the GPU {gpu.name!r}, but profile {profile.name!r} has none"
        return
    if gpu is None:
        yield f"names no GPU, but profile {profile.name!r} has one"
        return
    if gpu.name != profile.nvml_name:
        yield f"was measured on {gpu.name!r}; profile {profile.name!r} is {profile.nvml_name!r}"
    elif not profiles.is_card(profile, gpu.name, gpu.memory_total_bytes):
        yield f"its GPU has another memory than that of profile {profile.name!r}"
    named = None if versions is None else versions.device_name
    if named is not None and named != gpu.name:
        yield f"PyTorch saw the GPU {named!r}, the driver {gpu.name!r}: one was renamed"
    if record.hardware is not None and record.hardware.nvml_name != profile.nvml_name:
        yield f"its copy of the profile is of {record.hardware.nvml_name!r}"


def _revision(record: Record) -> Iterator[str]:
    around = record.environment
    if around.revision is None:
        yield "does not say which revision of the suite measured it: use a git clone"
    elif not _COMMIT.fullmatch(around.revision):
        yield f"revision {around.revision[:40]!r} of the suite is no commit"
    if around.dirty:
        yield "the suite had local changes: commit or undo them, and measure again"
    elif around.dirty is None:
        yield "does not say whether the suite had local changes"


def _provenance(record: Record) -> Iterator[str]:
    around = record.environment
    wanted: dict[str, object] = {
        "hardware": record.hardware,
        "environment.lock_hash": around.lock_hash,
    }
    if record.outcome == "ok":
        wanted |= {
            "effective": record.effective,
            "environment.versions": around.versions,
            "environment.probe": around.probe,
            "checks": record.checks or None,
        }
    if (gpu := around.gpu) is not None:
        wanted |= {
            "environment.gpu.uuid_hash": gpu.uuid_hash or None,
            "environment.gpu.driver": gpu.driver or None,
            "environment.gpu.memory_total_bytes": gpu.memory_total_bytes,
        }
        if record.outcome == "ok":
            wanted["telemetry"] = record.telemetry
    missing = [name for name, value in wanted.items() if value is None]
    if missing:
        yield f"says nothing in {', '.join(missing)}"
    if around.container is not None and around.container.lock_is_current is False:
        yield "its image has other packages than the lock of the repository"


def _preflight(record: Record) -> Iterator[str]:
    findings = record.environment.preflight
    if not findings:
        yield "has no preflight: nobody looked whether the machine was fit"
    for each in findings:
        if each.status == "block":
            yield f"preflight failed: {each.text}"
        elif each.status == "warn" and record.outcome == "ok" and each.text not in record.notes:
            yield f"a warning of preflight is not in its notes: {each.text}"


def _origin(record: Record) -> Iterator[str]:
    if record.origin is None:
        yield (
            "names no origin: remove the published folder, then ./tunebench publish RUN --by NAME"
        )
