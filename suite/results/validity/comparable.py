"""May two records stand in one ratio, and what should be said beside it?"""

from collections.abc import Mapping

import msgspec

from suite.results.record import Record
from suite.wire import Effective

NOT_SET = "none"
#: Since this schema a worker's Python frames lie in one piece of memory. Before, whether a step
#: paid for crossing from one to the next depended on the launch (docs/python-stack.md).
TIMED_ALIKE_SINCE = 3


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that two running models had differently; "none" where one has no such."""

    setting: str
    ours: str
    theirs: str


def other_work(record: Record, other: Record) -> str:
    """Return why the two did not do the same work, or an empty string when they did.

    Same work: model shapes, workload, adapters and seed (``work_key``), the loop, and as many
    parameters trained.
    """
    ours, theirs = record.case, other.case
    if ours.model.architecture != theirs.model.architecture:
        return f"another model than {theirs.model.title}"
    if ours.workload != theirs.workload:
        return "another workload"
    if ours.method.adapter != theirs.method.adapter:
        if ours.method.adapter is None:
            return f"it trains every parameter, {theirs.method.title} adapters only"
        if theirs.method.adapter is None:
            return f"it trains adapters only, {theirs.method.title} every parameter"
        return f"other adapters than {theirs.method.title}"
    if ours.loop != theirs.loop:
        return f"another trainer: {ours.loop}, not {theirs.loop}"
    if record.work_key != other.work_key:
        return "another seed" if ours.seed != theirs.seed else "its work_key differs"
    if record.effective is None or other.effective is None:
        return ""
    trained = record.effective.trainable_parameters
    trained_there = other.effective.trainable_parameters
    if trained == trained_there:
        return ""
    return f"it trains {trained:,} parameters, not {trained_there:,}"


def timed_alike(record: Record, other: Record) -> bool:
    """Return whether the steps of both were timed by workers of the same kind."""
    return (record.schema >= TIMED_ALIKE_SINCE) == (other.schema >= TIMED_ALIKE_SINCE)


def differences(record: Record, other: Record) -> tuple[Difference, ...] | None:
    """Return the effective settings in which the two differ, or None when one's are unknown."""
    if record.effective is None or other.effective is None:
        return None
    if (record.engine, record.effective) == (other.engine, other.effective):
        return ()  # as most are; spelling them out takes far longer
    ours = {"engine": record.engine, **settings(record.effective)}
    theirs = {"engine": other.engine, **settings(other.effective)}
    return differing(ours, theirs)


def differing(ours: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return the names under which two sets of texts differ; "none" where one has no such."""
    return tuple(
        Difference(setting=name, ours=ours.get(name, NOT_SET), theirs=theirs.get(name, NOT_SET))
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name, NOT_SET) != theirs.get(name, NOT_SET)
    )


def packages(record: Record) -> Mapping[str, str]:
    """Return the versions that a record's worker imported, empty where it did not get that far."""
    versions = record.environment.versions
    return {} if versions is None else versions.packages


def settings(effective: Effective) -> dict[str, str]:
    """Return the settings of a running model as text, by name, in a fixed order.

    Names are the fields' own in words; what has no field follows under its library's name.
    """
    values = {}
    for field in effective.__struct_fields__:
        value = getattr(effective, field)
        if field not in ("parameter_bytes", "others", "arguments"):
            values[field.replace("_", " ")] = _text(value)
    for dtype, size in sorted(effective.parameter_bytes.items()):
        values[f"parameters in {dtype}"] = f"{size:,} bytes"
    for name, value in sorted(effective.others.items()):
        values[name] = _text(value)
    return values


def arguments(effective: Effective) -> dict[str, str]:
    """Return the arguments of a running trainer and its adapters as text, by name."""
    return {name: _text(value) for name, value in sorted(effective.arguments.items())}


def _text(value: object) -> str:
    if value is None:
        return NOT_SET
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or NOT_SET
    return str(value)
