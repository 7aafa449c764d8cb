"""What is known of a case beside the sides that are compared: its scatter, clocks and drift."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from suite import units
from suite.errors import BadInput
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.scatter.noise import NoiseFile
from suite.results.stats import significance
from suite.results.storage import safe_files
from suite.results.storage.budget import Budget
from suite.results.storage.decode import Unusable
from suite.results.storage.reader import NOISE
from suite.wire import Struct

LOW = "step_seconds_low"
CLOCK = "mean_sm_clock_mhz"  #: the metric that clocks are compared by
#: A clock that moved by less explains nothing, and its samples say no more.
LEAST_CLOCK_CHANGE = 0.003


class KnownSpread(Struct, frozen=True, kw_only=True):
    """The standard deviation of a logarithm from launch to launch, with its degrees of freedom."""

    spread: float
    freedom: int


#: By metric, then by profile and case.
Spreads = Mapping[str, Mapping[tuple[str, str], KnownSpread]]


def spreads(paths: Iterable[Path]) -> Spreads:
    """Return the launch-to-launch spreads of step times, of ``noise.json`` files.

    Only what has launches enough to gate by counts; several runs of a case are pooled. A folder
    stands for the ``noise.json`` in it. Raises BadInput for a file that is none.
    """
    found: dict[str, dict[tuple[str, str], KnownSpread]] = {"step_seconds": {}, LOW: {}}
    left = Budget()
    for path in paths:
        file = path / NOISE if path.is_dir() else path
        try:
            read = msgspec.json.decode(safe_files.content(file, path, left), type=NoiseFile)
        except (Unusable, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadInput(f"{file}: not a calibration: {error}") from error
        for each in read.cases:
            if not each.gate or each.launches < 2:
                continue
            for metric, spread in (("step_seconds", each.spread), (LOW, each.spread_low)):
                if spread is not None:
                    new = KnownSpread(spread=spread, freedom=each.launches - 1)
                    key = each.profile, each.case_id
                    old = found[metric].get(key)
                    found[metric][key] = new if old is None else _joined(old, new)
    return found


def _joined(one: KnownSpread, other: KnownSpread) -> KnownSpread:
    freedom = one.freedom + other.freedom
    squares = one.freedom * one.spread**2 + other.freedom * other.spread**2
    return KnownSpread(spread=math.sqrt(squares / freedom), freedom=freedom)


def clocks(before: Sequence[Record], after: Sequence[Record], ratio: float) -> str:
    """Return what the SM clock has to do with a ratio of step times, "" where nothing or unknown.

    Step time times clock counts cycles: what changes in seconds and not in cycles, the clock did.
    """
    sides = [_mean_clock(records) for records in (before, after)]
    if sides[0] is None or sides[1] is None:
        return ""
    change = sides[1] / sides[0]
    if abs(math.log(change)) < LEAST_CLOCK_CHANGE:
        return ""
    cycles = ratio * change
    text = f"the SM clock changed by {units.signed_percent(change - 1)}; in cycles the change is"
    text = f"{text} {units.signed_percent(cycles - 1)}"
    most = abs(math.log(cycles)) < abs(math.log(ratio)) / 2
    return f"{text}, so most of it is the clock" if most else text


def drift(records: Iterable[Record]) -> str:
    """Return that the step time moved one way from launch to launch, "" where it did not.

    In the order of time, by more than ``stats.MARGIN`` in all, over launches enough to gate: of
    five without any trend one set in sixty is in order. Why it moved is not known from it.
    """
    timed = [
        (record.started_at, record.launch, all_metrics()["step_seconds"].compute(record))
        for record in records
    ]
    values = [value for _, _, value in sorted(timed, key=lambda each: each[:2]) if value]
    if len(values) < significance.GATE_LAUNCHES or len(values) != len(timed):
        return ""
    change = values[-1] / values[0]
    if abs(math.log(change)) < math.log1p(significance.MARGIN):
        return ""
    way = "slower" if change > 1 else "faster"
    rising = values if change > 1 else [1 / value for value in values]
    if any(b <= a for a, b in pairwise(rising)):
        return ""
    text = f"each of {len(values)} repeats was {way} than the one before"
    return f"{text}, {units.signed_percent(change - 1)} in all: it drifts"


def _mean_clock(records: Sequence[Record]) -> float | None:
    values = [all_metrics()[CLOCK].compute(record) for record in records]
    known = [value for value in values if value]
    return statistics.fmean(known) if known and len(known) == len(values) else None
