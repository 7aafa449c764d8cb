"""Runs made of published launches: what real ones do, by drawing from them without replacement.

Each launch is the 10 % quantile and the mean of its last steps. All launches of a case that were
measured on one kind of GPU are one lot, whichever side or session they were of: nothing differs
between them but when and where they ran.
"""

import json
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

import numpy
from numpy.typing import NDArray

from benchmarks.self.simulated.noise import SEED, Array
from suite.paths import RESULTS
from suite.results.metrics import all_metrics
from suite.results.samples import low_quantile
from suite.results.storage.reader import read

STEPS = 20  #: of each launch of a pair, the last
LAUNCHES = 5  #: a side
LEAST = 2 * LAUNCHES


def lots() -> dict[str, Array]:
    """Return ``(launches, 2)`` logarithms by a title, of every lot with launches enough."""
    found: dict[str, list[Array]] = {}
    for title, sides in _of_pairs():
        found.setdefault(title, []).extend(sides)
    metrics = [all_metrics()[tag] for tag in ("step_seconds_low", "step_seconds")]
    for record in read([RESULTS]).records:
        values = [metric.compute(record) for metric in metrics] if record.outcome == "ok" else []
        if values and all(values):
            title = f"{record.case_id}, {record.profile}, records"
            found.setdefault(title, []).append(numpy.log(numpy.array(values, float)))
    enough = {title: numpy.array(each) for title, each in found.items() if len(each) >= LEAST}
    return dict(sorted(enough.items()))


def rounds() -> dict[str, Array]:
    """Return ``(rounds, sides, 2)`` logarithms of launches that took steps in turns."""
    found: dict[str, list[list[Array]]] = {}
    for title, sides in _of_pairs():
        if not title.endswith("launches"):
            found.setdefault(title, []).append(sides)
    enough = {title: numpy.array(each) for title, each in found.items() if len(each) > LAUNCHES}
    return dict(sorted(enough.items()))


def _of_pairs() -> Iterator[tuple[str, list[Array]]]:
    """Yield the case of each round in ``*.pairs``, and both numbers of its two launches."""
    for path in sorted(RESULTS.glob("*/*.pairs")):
        for text in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(text)
            names = ("dummy", "quantized", "suite", "script", "bare")
            sides = [_seconds(row[name])[-STEPS:] for name in names if name in row]
            both = [numpy.log([low_quantile(each), fmean(each)]) for each in sides]
            yield f"{row['case_id']}, {path.parent.name}, {path.stem}", both


def _seconds(side: Any) -> list[float]:
    if isinstance(side, list):
        return side
    if "seconds" in side:
        return list(side["seconds"])
    return [end - begin for begin, end in zip(side["began"], side["ended"], strict=True)]


def drawn(ours: Array, others: Sequence[Array], runs: int, cases: int) -> list[Array]:
    """Return both quantities of runs ``(runs, cases, launches of both sides)``.

    The first case is drawn from ``ours``, each further one from another lot in turn.
    """
    generator = numpy.random.default_rng([SEED, cases, len(ours)])
    made = numpy.empty((2, runs, cases, LEAST))
    for case in range(cases):
        lot = others[case % len(others)] if case else ours
        order: NDArray[numpy.int_] = generator.random((runs, len(lot))).argsort(-1)[:, :LEAST]
        made[:, :, case] = numpy.moveaxis(lot[order], -1, 0)
    return [made[0], made[1]]


def drawn_rounds(ours: Array, runs: int) -> list[Array]:
    """Return the same of one case whose rounds stay together; which side is which is drawn too."""
    generator = numpy.random.default_rng([SEED, len(ours)])
    order = generator.random((runs, len(ours))).argsort(-1)[:, :LAUNCHES]
    first = generator.integers(0, 2, (runs, LAUNCHES))
    sides = [ours[order, which] for which in (first, 1 - first)]
    together = numpy.stack(sides, 2).reshape(runs, 1, LEAST, 2)
    return [together[..., 0], together[..., 1]]
