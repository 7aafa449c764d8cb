"""Estimates in words: intervals, what a projection is made of, why one card beats another."""

from collections.abc import Callable, Sequence

from suite import units
from suite.estimate.between import Between
from suite.estimate.planner import Entry
from suite.estimate.project import Projection

_PARTS = (
    ("matmul", "matrix products"),
    ("attention", "attention"),
    ("activations", "moving activations"),
    ("weights", "reading, unpacking and updating weights"),
)


def interval(found: Between, text: Callable[[float], str]) -> str:
    """Return a value with its interval, or alone where there is none: ``5.2 h (4.1 h–6.6 h)``."""
    value, low, high = text(found.value), text(found.low), text(found.high)
    return value if low == high else f"{value} ({low}–{high})"


def dollars(value: float) -> str:
    """Return an amount in US dollars: ``USD 12.40``, ``USD 1,240``."""
    return f"USD {value:,.2f}" if value < 100 else f"USD {value:,.0f}"


def launches(count: int) -> str:
    """Return a number of launches in words."""
    return "1 launch" if count == 1 else f"{count} launches"


def parts(found: Projection) -> str:
    """Return what a projected step is made of, in one sentence."""
    shares = ", ".join(
        f"{words} {units.seconds(getattr(found.parts, name))}" for name, words in _PARTS
    )
    text = f"the GPU {units.seconds(found.parts.gpu)} ({shares})"
    text += f"; the host, beside it, {units.seconds(found.parts.host)}"
    if found.parts.link:
        text += f"; offloading {units.seconds(found.parts.link)}"
    if found.power_seconds is not None:
        least = units.seconds(found.power_seconds)
        limits = "which decides" if found.power_limits else "which does not decide"
        text += f"; the board's power needs {least} for this work at least, {limits}"
    return text


def sentences(entry: Entry) -> list[str]:
    """Return what is behind one entry that was projected."""
    if entry.projection is None:
        return []
    at = f"{entry.case.method.title} on {entry.profile.title}, projected"
    step = interval(entry.projection.seconds, units.seconds)
    return [f"{at}: a step of {step}: {parts(entry.projection)}."]


def versus(one: Entry, other: Entry) -> list[str]:
    """Return which of two cards is ahead with one method, and why; both of the same case."""
    ours, theirs = one.profile.title, other.profile.title
    misfit = [e.profile.title for e in (one, other) if e.verdict == "does not fit"]
    said = []
    for entry in (one, other):
        said.append(f"{entry.profile.title}: {entry.verdict} by the memory model")
    if len(misfit) == 1:
        ahead = theirs if misfit[0] == ours else ours
        said.insert(0, f"{ahead} is ahead: the case does not fit {misfit[0]}")
    elif len(misfit) == 2:
        said.insert(0, "Neither: the case fits none of the two")
    rates = one.tokens_per_second, other.tokens_per_second
    if rates[0] is None or rates[1] is None:
        return [*said, f"No time is known: {one.reason or other.reason}"]
    ratio = rates[0].value / rates[1].value
    low, high = rates[0].low / rates[1].high, rates[0].high / rates[1].low
    bounds = f"{units.ratio(low)}–{units.ratio(high)}"
    times = f"{ours} at {units.ratio(ratio)} the rate of {theirs} ({bounds})"
    if not misfit:
        ahead = ours if low > 1 else theirs if high < 1 else ""
        said.insert(0, f"{ahead} is ahead" if ahead else "Open: the intervals overlap")
        said.append(times)
    else:
        said.append(f"if both held it: {times}")
    for entry in (one, other):
        if entry.projection is not None:
            said.append(f"{entry.profile.title}: {parts(entry.projection)}")
    return said


def fine_print(entries: Sequence[Entry]) -> list[str]:
    """Return what a reader must know of these entries."""
    records = [record for entry in entries for record in entry.records]
    weights = sorted({record.weights for record in records})
    said = [
        "Time is that of steady steps; loading, compilation, evaluation and saving come on top."
        " Energy is the GPU's alone.",
    ]
    if any(entry.basis == "projected" for entry in entries):
        said.append(
            "Projected: from measured cases and the card's data sheet, with an interval that"
            " nine of ten held-out cases stayed in, and wider for a card that was never measured."
        )
    if weights == ["dummy"]:
        said.append("Measured with random weights of full size.")
        if any(record.case.model.architecture.experts is not None for record in records):
            said.append("Routing to experts is random with them: even, unlike a trained model's.")
    if any(entry.launches == 1 for entry in entries):
        said.append("1 launch: nothing is known of how far another would lie from it.")
    hosts = {(r.environment.cpu, r.environment.cpu_count, r.profile) for r in records}
    if len(hosts) == 1:
        said.append("Everything measured here ran on one host.")
    return said
