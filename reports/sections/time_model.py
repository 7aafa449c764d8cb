"""How far the time model is off: cases held out of the fit, and figures that others published."""

import math
import statistics
from collections.abc import Sequence

from reports.analysis.dataset import Dataset
from reports.published import projected
from reports.text import columns, phrases
from reports.text.blocks import Block, Heading, Points, Prose, TextRow, table
from suite import units
from suite.catalog import profile as profiles
from suite.estimate import explain, project, step_time
from suite.estimate.errors import time as time_errors
from suite.estimate.errors.time import TARGET, HeldOut
from suite.estimate.planner import Entry
from suite.estimate.project import Projector


def errors(dataset: Dataset) -> list[Block]:
    """Return how far the model is off on cases that it was not fitted on."""
    projector = dataset.planner.projector
    if projector is None or not projector.errors:
        return []
    count = len(projector.model.samples)
    tried = [*projector.errors, *project.held_out_cards(projector.model.samples)]
    cards = ", ".join(profile_titles(projector))
    text = (
        f"Fitted on {units.counted(count, 'measured case')} with fixed-length sequences, on"
        f" {cards}, with {units.counted(len(projector.model.factors), 'factor')}. Held out:"
        " predicted by a fit that saw no case of the same model, of the same method, or none"
        f" with sequences longer than {time_errors.LONG_TOKENS:,} tokens. The aim is"
        f" {units.percent(TARGET)}. A case without anything alike left is not predicted, and"
        " counts as a miss. How the parts of a step overlap, and that activations wait for"
        " processors as well as for memory, was chosen among a few forms by such errors, so they"
        " flatter a little."
    )
    header = ["Held out", "Cases", "Predicted", "Median error", "Largest", "Within the aim"]
    rows = [_way(way, tried) for way in time_errors.WAYS]
    blocks: list[Block] = [
        Prose(text=f"{text} {_cards(tried)}"),
        table(header, [row for row in rows if row]),
        *_intervals(projector),
    ]
    missed = [e for e in tried if e.error is None or abs(e.error) > TARGET]
    if missed:
        blocks += [Heading(text="Where it misses"), _missed(missed)]
    return [*blocks, Prose(text=_fitted(projector))]


def _fitted(projector: Projector) -> str:
    """Return the factors, and what energy was fitted to, in two sentences."""
    factors = projector.model.factors
    times = ", ".join(
        f"{name} {units.about(value)}" for name, value in factors.items() if _unit(name) is None
    )
    host = ", ".join(
        f"{name} {units.estimated('seconds', value * (_unit(name) or 0))}"
        for name, value in factors.items()
        if _unit(name) is not None
    )
    text = (
        f"Fitted: how many times as long as at the probed rate ({times}; processors are reckoned"
        f" at {units.scaled(step_time.PROCESSOR_BYTES_PER_SECOND, 'B/s')} each), and the host's"
        f" time for a pass over a layer or a kernel of one expert ({host})."
    )
    samples = projector.model.samples
    if probed := sum(sample.rates.host_speed is not None for sample in samples):
        text += (
            f" The host's time of {probed:,} of {units.counted(len(samples), 'case')} is scaled by"
            " how fast their hosts were (the geometric mean of kernel launches and Python"
            " operations a second), to the median host; others count as the median host."
        )
    if projector.energy is None:
        return f"{text} No energy was measured."
    energy = projector.energy
    return (
        f"{text} Energy: {units.about(energy.watts)} W at any time,"
        f" {units.estimated('joules', energy.joules_per_flop * 1e12)} a TFLOP and"
        f" {units.estimated('joules', energy.joules_per_byte * 1e9)} a GB moved, from"
        f" {units.counted(energy.cases, 'case')}, which they tell with a root mean square error of"
        f" {units.percent(energy.error)}; no case was held out of that."
    )


def _unit(name: str) -> float | None:
    """Return the seconds that a factor of the host counts; None for a factor of a rate."""
    return {"layers": step_time.LAYER_SECONDS, "experts": step_time.KERNEL_SECONDS}.get(
        name.partition(" ")[0]
    )


def published(dataset: Dataset) -> list[Block]:
    """Return what is projected for cards never measured, against what others published."""
    planner = dataset.planner
    if planner.projector is None:
        return []
    rows, left_out = projected.compare(planner.projector)
    inside, second = (
        sum(row.cells[-1] == verdict for row in rows)
        for verdict in (projected.INSIDE, projected.INSIDE_SECOND)
    )
    text = (
        "Estimated from measured cases and data sheets; no published figure is in the fit."
        f" {inside} of {units.counted(len(rows), 'figure')} within the interval of the same method"
        " here. Others run other software and mostly do not say whether layers are recomputed, as"
        " they are in every case here. So a second estimate is for Unsloth without"
        f" recomputation, of which nothing here was measured: {second} more within that one. It"
        " was added after the first had missed these figures: it may explain them, and confirms"
        " nothing."
    )
    blocks: list[Block] = [Prose(text=text)]
    header = ["Published", "GPU", "Method here", "Their software", "Published rate", "Estimated"]
    header += ["As Unsloth, not recomputed", "Verdict"]
    if rows:
        blocks.append(table(header, rows, words=4))
    if left_out:
        blocks += [Heading(text="Not compared"), table(["Why", "Figures"], left_out)]
    return blocks


def pairs(dataset: Dataset) -> list[Block]:
    """Return projected answers to what sources say of one card against another, with reasons."""
    planner = dataset.planner
    if planner.projector is None:
        return []
    blocks: list[Block] = []
    for claim in projected.faster_cards():
        each = [
            (case, [planner.entry(case, card) for card in (claim.faster, claim.slower)])
            for case in claim.cases
        ]
        answers = [
            f"{case.method.title}: {'; '.join(explain.versus(*entries))}."
            for case, entries in each
        ]
        rows = [_parts(entry) for _, entries in each for entry in entries]
        blocks += [
            Heading(text=f"{claim.source}: {claim.text}"),
            Points(texts=tuple(answers)),
            table([*_PAIR_HEADER, "Power needs"], rows, words=3),
        ]
    return blocks


#: What a way of holding out is called where it is not by its own name.
_WAYS = {"card": "GPU"}
_PAIR_HEADER = ["Method", "GPU", "Fits", "Step", "Matrix products", "Attention"]
_PAIR_HEADER += ["Activations", "Weights", "Host", "Offloading"]


def _parts(entry: Entry) -> TextRow:
    """Return what a step took or is projected to, and what the model says it is made of."""
    card = explain.marked(entry.profile.title, entry.profile)
    start = (entry.case.method.title, card, entry.verdict)
    projection, rate = entry.projection, entry.tokens_per_second
    if entry.basis == "measured" and rate is not None:
        step = f"{units.seconds(entry.case.workload.step_tokens / rate.value)}, measured"
    elif entry.records or projection is None:
        step = entry.reason
    else:
        step = projection.seconds.text("seconds")
    if projection is None:
        return TextRow(cells=(*start, step, *[""] * (len(_PAIR_HEADER) - 3)))
    parts = projection.parts
    seconds = (parts.matmul, parts.attention, parts.activations, parts.weights, parts.host)
    power = "not asked" if projection.card_measured else "unknown"
    return TextRow(
        cells=(
            *start,
            step,
            *map(_seconds, seconds),
            _seconds(parts.link) if parts.link else "none",
            power if projection.power_seconds is None else _seconds(projection.power_seconds),
        )
    )


def _seconds(value: float) -> str:
    """Return an estimate with its two digits, in the unit of its column."""
    two_digits = float(f"{value:.2g}")
    return columns.Quantity.of(units.estimated("seconds", value), two_digits, "seconds")


def profile_titles(projector: Projector) -> list[str]:
    """Return the cards that the fit has seen."""
    names = dict.fromkeys(sample.profile for sample in projector.model.samples)
    known = [(name, profiles.known(name)) for name in names]
    return [name if card is None else card.title for name, card in known]


def _cards(tried: Sequence[HeldOut]) -> str:
    """Return how projections to cards stand that were measured as well."""
    known = [(e.interval, e.sample.seconds) for e in tried if e.interval is not None]
    if not known:
        return "One GPU was measured, so no estimate for another could be checked."
    inside = sum(interval.holds(seconds) for interval, seconds in known)
    return (
        "A GPU is held out by estimating it from the others and its data sheet:"
        f" {inside} of {units.counted(len(known), 'case')} are within their interval."
    )


def _way(way: str, errors: Sequence[HeldOut]) -> TextRow | None:
    tried = [each for each in errors if each.way == way]
    known = [abs(each.error) for each in tried if each.error is not None]
    if not tried:
        return None
    within = sum(error <= TARGET for error in known)
    return TextRow(
        cells=(
            "all long rows" if way == "long rows" else f"one {_WAYS.get(way, way)} at a time",
            str(len(tried)),
            str(len(known)),
            columns.percent(statistics.median(known)) if known else "unknown",
            columns.percent(max(known)) if known else "unknown",
            f"{within} of {len(tried)}",
        )
    )


def _intervals(projector: Projector) -> list[Block]:
    """Return how wide intervals are by how long the host takes, and how many cases they held."""
    tried = time_errors.covered(projector.errors)
    bounds = [f"{bound:g}" for bound in time_errors.HOST_SHARES]
    spans = [f"below {bounds[0]}", f"{bounds[0]} to {bounds[1]}", f"{bounds[1]} and more", "any"]
    rows = []
    for number, (name, span) in enumerate(zip(time_errors.CLASSES, spans, strict=True)):
        mine = [inside for group, inside in tried if group == number]
        width = math.exp(projector.widths.by_class[number])
        held = f"{sum(mine)} of {len(mine)}" if mine else "none to try"
        rows.append(TextRow(cells=(name, span, units.ratio(width), held)))
    text = (
        "An interval of a GPU that was measured reaches from the estimate divided by its width to"
        " the estimate times it. Widths are such that 90 % of held-out cases stay within, each"
        " model and method counting alike; where fewer than five of them were held out, a wide"
        " one is assumed. Inside: by widths from errors of other cases than those held out with"
        " it."
    )
    header = ["Where", "Host's time ÷ GPU's time", "Width", "Inside"]
    return [Prose(text=text), table(header, rows, words=2)]


def _missed(missed: Sequence[HeldOut]) -> Block:
    rows = [
        TextRow(
            cells=(
                phrases.case_title(each.sample.case),
                phrases.work(each.sample.case.workload),
                each.sample.profile,
                _WAYS.get(each.way, each.way),
                columns.seconds(each.sample.seconds),
                "not predicted"
                if each.predicted_seconds is None
                else _seconds(each.predicted_seconds),
                each.reason if each.error is None else columns.signed_percent(each.error),
            ),
            page=f"records/{each.sample.record_ids[0]}.html",
        )
        for each in missed
    ]
    header = ["Case", "Workload", "On", "Held out", "Measured step", "Predicted step", "Error"]
    return table(header, rows, words=4)
