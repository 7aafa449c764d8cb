"""What a reader may conclude of how far numbers can be trusted: a sentence for each question."""

import statistics
from collections import Counter

from reports.analysis.dataset import Dataset
from suite import units
from suite.results.scatter.noise import MINIMUM_LAUNCHES, noise
from suite.results.telemetry.long_steps import long_steps


def answers(dataset: Dataset) -> tuple[str, ...]:
    """Return the sentences; what was not measured has none."""
    said = (*_repeats(dataset), *_losses(dataset), *_suite(dataset), *_waits(dataset))
    return (*said, *_weights(dataset))


def _repeats(dataset: Dataset) -> list[str]:
    found = (noise(case.repeats) for case in dataset.cases)
    ranges = [each.range for each in found if each is not None and each.range is not None]
    if not ranges:
        return [f"No case has {MINIMUM_LAUNCHES} repeats, so how far repeats differ is unknown."]
    of = units.counted(len(ranges), "case")
    return [
        f"Repeats of a case differ by up to {units.percent(max(ranges))},"
        f" typically by {units.percent(statistics.median(ranges))} ({of}).",
        "Read a smaller difference between two repeats as noise.",
    ]


def _losses(dataset: Dataset) -> list[str]:
    good = [record for record in dataset.collection.records if record.outcome == "ok"]
    parities = [dataset.references.parity(record) for record in good]
    counts = Counter(each.verdict for each in parities if each.verdict in ("agrees", "differs"))
    if not counts:
        return []
    of = units.counted(counts.total(), "result")
    return [f"Losses agree with those of the reference method in {counts['agrees']} of {of}."]


def _suite(dataset: Dataset) -> list[str]:
    figures = [each for file in dataset.collection.fidelities for each in file.figures]
    counts = Counter(each.verdict for each in figures if each.against == "script")
    if not counts:
        return []
    limit = max(each.limit for each in figures)
    parts = [f"within {units.percent(limit)} in {counts['within']}"]
    parts += [f"beyond it in {counts['over']}"] if counts["over"] else []
    parts += [f"undecided in {counts['undecided']}"] if counts["undecided"] else []
    of = units.counted(counts.total(), "comparison")
    return [f"Step times against a bare script, in {of}: {', '.join(parts)}."]


def _waits(dataset: Dataset) -> list[str]:
    found = [
        each
        for record in dataset.collection.records
        if record.outcome == "ok" and (each := long_steps(record)) is not None
    ]
    if not found:
        return []
    waits = sum(each.cause == "waits" for each in found)
    of = units.counted(len(found), "result")
    return [f"Where steps of one repeat differ, the GPU waits for the host in {waits} of {of}."]


def _weights(dataset: Dataset) -> list[str]:
    good = [record for record in dataset.collection.records if record.outcome == "ok"]
    if not good or not all(record.weights.startswith("dummy") for record in good):
        return []
    return ["Weights are random: nothing here says how well a method learns."]
