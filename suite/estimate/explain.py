"""Estimates in words: intervals, what a projection is made of, why one card beats another."""

from collections.abc import Callable, Iterator, Sequence

from suite import units
from suite.catalog import prices
from suite.catalog.case import unsupported_reason
from suite.catalog.engines import ENGINES
from suite.catalog.profile import Profile
from suite.estimate.interval import Interval
from suite.estimate.planner import Entry
from suite.estimate.project import OTHER_HOST, HostBasis, Projection
from suite.results.record import Record, whose

_PARTS = (
    ("matmul", "matrix products"),
    ("attention", "attention"),
    ("activations", "moving activations"),
    ("weights", "reading, unpacking and updating weights"),
)


def interval(found: Interval, text: Callable[[float], str]) -> str:
    """Return a measured value with its range, if it has one: ``5.22 h (5.20–5.31)``."""
    value, low, high = text(found.value), text(found.low), text(found.high)
    if low == high:
        return value
    words = [each.split(" ") for each in (value, low, high)]
    if all(len(each) == 2 for each in words):
        for unit, number in ((0, 1), (1, 0)):
            if len({each[unit] for each in words}) == 1:
                low, high = words[1][number], words[2][number]
    return f"{value} ({low}–{high})"


def dollars(value: float) -> str:
    """Return an amount in US dollars: ``USD 12.40``, ``USD 1,240``."""
    return f"USD {value:,.2f}" if value < 100 else f"USD {value:,.0f}"


_MEASURED = {"hours": units.hours, "kWh": units.kilowatt_hours, "USD": dollars}


def amount(entry: Entry, unit: str, found: Interval) -> str:
    """Return what a job takes by an entry, in the digits of a measurement or of an estimate.

    ``found`` is in seconds for "hours", joules for "kWh", or US dollars for "USD".
    """
    if entry.basis == "measured":
        return interval(found, _MEASURED[unit])
    return found.text(unit)


def marked(name: str, card: Profile) -> str:
    """Return a card's name or title; one whose profile was never run on is said to be so."""
    return name if card.verified else f"{name} (unverified)"


def basis(entry: Entry) -> str:
    """Return what an entry rests on, or why it has no time, in a few words."""
    if entry.basis == "measured":
        runs = len({record.run_id for record in entry.records})
        launches = units.counted(entry.launches, "repeat")
        measured = f"measured {whose(entry.records[0])}".rstrip()
        return f"{measured}, {launches}{f' in {runs} sessions' if runs > 1 else ''}"
    if entry.basis == "projected":
        return "estimated"
    if entry.records:
        outcome = entry.records[-1].outcome
        return f"{'out of memory' if outcome == 'oom' else outcome} where it ran"
    if unsupported_reason(entry.case, entry.profile):
        return "unsupported"
    return "does not fit" if entry.verdict == "does not fit" else "unknown"


def parts(found: Projection) -> str:
    """Return what a projected step is made of, in one sentence."""
    shares = ", ".join(
        f"{words} {units.estimated('seconds', getattr(found.parts, name))}"
        for name, words in _PARTS
    )
    text = f"the GPU {units.estimated('seconds', found.parts.gpu)} ({shares})"
    text += f"; the host, beside it, {units.estimated('seconds', found.parts.host)}"
    if found.parts.link:
        text += f"; offloading {units.estimated('seconds', found.parts.link)}"
    if found.power_seconds is not None:
        least = units.estimated("seconds", found.power_seconds)
        limits = "which decides" if found.power_limits else "which does not decide"
        text += f"; the board's power needs {least} for this workload at least, {limits}"
    return text


def sentences(entry: Entry) -> list[str]:
    """Return what a step is made of by the time model."""
    if entry.projection is None:
        return []
    at = f"{entry.case.method.title} on {marked(entry.profile.title, entry.profile)}"
    step = entry.projection.seconds.text("seconds")
    if entry.basis == "measured":
        return [f"{at}, measured; by the time model a step of {step}: {parts(entry.projection)}."]
    return [f"{at}, estimated: a step of {step}: {parts(entry.projection)}."]


def reasons(entries: Sequence[Entry]) -> list[str]:
    """Return why entries have no time, each reason once with the methods and cards it is of."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.reason:
            found.setdefault(entry.reason, []).append(entry)
    said = []
    for reason, alike in found.items():
        methods = ", ".join(dict.fromkeys(entry.case.method.title for entry in alike))
        cards = dict.fromkeys(marked(entry.profile.title, entry.profile) for entry in alike)
        where = ", ".join(cards) if len(cards) <= 4 else f"{len(cards)} GPUs"
        said.append(f"{methods} on {where}: {reason}.")
    return said


def versus(one: Entry, other: Entry) -> list[str]:
    """Return which of two cards is ahead with one method, and why; both of the same case."""
    ours, theirs = one.profile.title, other.profile.title
    misfit = [entry.profile.title for entry in (one, other) if entry.verdict == "does not fit"]
    times = _step(one), _step(other)
    if times[0] is None or times[1] is None:
        lacking = one if times[0] is None else other
        name = marked(lacking.profile.title, lacking.profile)
        return [f"no time is known of {name}: {lacking.reason}"]
    found = _over(times[0], times[1])
    low, high = found.low, found.high
    measured = one.basis == other.basis == "measured"
    shown = [
        units.ratio(each) if measured else f"{units.about(each, high - low)}×"
        for each in (found.value, low, high)
    ]
    names = [marked(entry.profile.title, entry.profile) for entry in (one, other)]
    rate = f"{names[0]} at {shown[0]} the rate of {names[1]} ({shown[1]} to {shown[2]})"
    if len(misfit) == 1:
        ahead = theirs if misfit[0] == ours else ours
        said = [f"{ahead} is ahead, because the case does not fit {misfit[0]}"]
        said.append(f"were there room on both: {rate}")
    elif misfit:
        said = ["it fits neither", f"were there room on both: {rate}"]
    elif low > 1 or high < 1:
        ahead = ours if low > 1 else theirs
        said = [f"{ahead} is {'' if measured else 'estimated '}ahead: {rate}"]
    else:
        nearer = ours if found.value > 1 else theirs
        said = [f"too close to call, {nearer} more likely ahead: {rate}"]
    if not (misfit or measured):
        said += _beyond(one)
    return [*said, *_differences(one, other)]


def ratio(one: Entry, other: Entry) -> Interval | None:
    """Return the rate on one card over that on another, of the same case; None is unknown."""
    times = _step(one), _step(other)
    return None if times[0] is None or times[1] is None else _over(times[0], times[1])


def _over(ours: Interval, theirs: Interval) -> Interval:
    """Return how many times as fast ours is, by the seconds of a token.

    From one end of both intervals to the other: how far their errors go together is not known.
    """
    return Interval(
        value=theirs.value / ours.value,
        low=theirs.low / ours.high,
        high=theirs.high / ours.low,
    )


def _beyond(entry: Entry) -> list[str]:
    """Return what a projected order of two cards cannot rule out."""
    said = [
        "the interval is of these versions and of hosts like those measured: others may turn the"
        " order round"
    ]
    method, experts = entry.case.method, entry.case.model.architecture.experts
    chosen = ENGINES[method.engine].chooses_experts and method.quantization is not None
    if experts is not None and chosen:
        said.append(
            "before July 2026 Unsloth computed these experts one by one, with more work for the"
            " host"
        )
    return said


def _differences(one: Entry, other: Entry) -> list[str]:
    """Return which parts of two steps differ most by the model, and whose power decides."""
    if one.projection is None or other.projection is None:
        return []
    slower, faster = one, other
    if one.projection.seconds.value < other.projection.seconds.value:
        slower, faster = other, one
    assert slower.projection is not None
    assert faster.projection is not None
    times = _step(slower), _step(faster)
    if times[0] is None or times[1] is None or times[0].value < times[1].value:
        return []  # the model does not tell why what was measured is the other way round
    ours, theirs = slower.projection.parts, faster.projection.parts
    longer = sorted(
        ((getattr(ours, name) - getattr(theirs, name), words) for name, words in _PARTS),
        reverse=True,
    )
    text = " and ".join(
        f"{words} (+{units.estimated('seconds', more)})" for more, words in longer[:2] if more > 0
    )
    said = (
        [f"by the model a step on {slower.profile.title} is longer mostly by {text}"]
        if text
        else []
    )
    for entry in (one, other):
        board = entry.profile.facts.value("board_power_watts")
        if entry.projection is not None and entry.projection.power_limits and board:
            said.append(f"{board:g} W of board power decide the step of {entry.profile.title}")
    return said


def _step(entry: Entry) -> Interval | None:
    """Return the seconds of a token, measured or projected, also where it does not fit."""
    rate = entry.tokens_per_second
    if rate is not None:
        return Interval(value=1 / rate.value, low=1 / rate.high, high=1 / rate.low)
    if entry.projection is None:
        return None
    step, tokens = entry.projection.seconds, entry.case.workload.step_tokens
    return Interval(value=step.value / tokens, low=step.low / tokens, high=step.high / tokens)


def fine_print(entries: Sequence[Entry], grounds: Sequence[Record]) -> list[str]:
    """Return what a reader must know of these entries, projected ones resting on ``grounds``."""
    records = [record for entry in entries for record in entry.records]
    projected = any(entry.basis == "projected" for entry in entries)
    if projected:
        records += grounds
    weights = {record.weights.partition(" ")[0] for record in records}
    said = [
        "Time is that of steady steps; loading, compilation, evaluation and saving come on top."
        " Energy is the GPU's alone.",
    ]
    if projected:
        said.append(
            "Estimates come from measured cases and the GPU's data sheet."
            " Nine of ten cases that the fit did not see lay within such an interval."
            " Each model and method counts alike there, and cases where the host decides have"
            " intervals of their own."
            " For a GPU never measured the interval is wider, by assumed ranges of rates and"
            " energy."
            " A chip of another architecture is assumed to need less energy for an operation,"
            " in proportion to its board power over its peak."
        )
        said += _hosts(entries)
    if "dummy" in weights:
        some = "" if weights == {"dummy"} else " in part"
        also = "; estimates rest on them too" if projected else ""
        said.append(f"Measured{some} with random weights of full size{also}.")
        if any(
            entry.case.model.architecture.experts is not None
            for entry in entries
            if entry.basis != "none"
        ):
            said.append("Their routing to experts is random; a trained model's is not.")
    if any(entry.launches == 1 for entry in entries):
        said.append("1 repeat: variation not shown.")
    hosts = {(r.environment.cpu, r.environment.cpu_count, r.profile) for r in records}
    if len(hosts) == 1:
        said.append("Everything measured here ran on one host.")
    return said


def _hosts(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield what the host's part of projected entries rests on, and on which cards."""
    cards: dict[HostBasis, dict[str, None]] = {}
    for entry in entries:
        if entry.basis == "projected" and entry.projection is not None:
            name = marked(entry.profile.name, entry.profile)
            cards.setdefault(entry.projection.host, {})[name] = None
    if "assumed" in cards:
        least, most = OTHER_HOST
        yield (
            "Host of a GPU never measured: assumed to take"
            f" {least:g} to {most:g} times as long as those measured."
        )
    if "probed" in cards:
        yield (
            f"Host of {', '.join(cards['probed'])}: probed there, so its part is scaled by the"
            " geometric mean of kernel launches and Python operations a second."
        )
        if "typical" in cards:
            yield f"Host of {', '.join(cards['typical'])}: not probed, taken as the median one."


def price_notes(entries: Sequence[Entry], known: prices.Prices) -> list[str]:
    """Return where the prices of these entries are from, and what is not known of them."""
    found = [p for name in dict.fromkeys(e.profile.name for e in entries) for p in known.of(name)]
    rented = prices.rents(found)
    bought = [price for price in found if price.purchase_usd is not None]
    notes = []
    if rented:
        dates = sorted(price.date for price in rented)
        notes.append(
            f"Rent: the middle price, and from the lowest to the highest, of"
            f" {units.counted(len(rented), 'price')} seen from {dates[0]} to {dates[-1]} by"
            " sellers in hardware_profiles/prices.toml."
        )
    for price in bought:
        notes.append(
            f"To buy: {price.profile} {dollars(price.purchase_usd or 0)},"
            f" {price.source}, {price.date}."
        )
    file = "hardware_profiles/prices.toml"
    if bought and known.own is not None:
        notes.append(
            f"Own: the price of the GPU spread over {known.own.hours:,.0f} hours of use, and"
            f" {dollars(known.own.usd_per_kwh)} a kWh for the GPU alone, both from {file}."
        )
    else:
        lacks = [] if bought else ["no purchase price"]
        if known.own is None:
            lacks.append("no [own], which says what electricity costs and how long a GPU is used")
        notes.append(f"Own: unknown; {file} has {' and '.join(lacks)}.")
    return notes
