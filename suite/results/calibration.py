"""What is known of a case beside the two sides that are compared: its scatter, and the clocks."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from suite import units
from suite.errors import BadInput
from suite.results.collection import NOISE
from suite.results.metrics import all_metrics
from suite.results.noise import NoiseFile
from suite.results.record import Record

CLOCK = "mean_sm_clock_mhz"  #: the metric that clocks are compared by
#: A clock that moved by less explains nothing, and its samples say no more.
LEAST_CLOCK_CHANGE = 0.003


def spreads(paths: Iterable[Path]) -> Mapping[tuple[str, str], float]:
    """Return the launch-to-launch spread by profile and case, of ``noise.json`` files.

    Only what has launches enough to gate by counts; of several runs the largest. A folder stands
    for the ``noise.json`` in it. Raises BadInput for a file that is none.
    """
    found: dict[tuple[str, str], float] = {}
    for path in paths:
        file = path / NOISE if path.is_dir() else path
        try:
            read = msgspec.json.decode(file.read_bytes(), type=NoiseFile)
        except OSError as error:
            raise BadInput(f"{file}: cannot be read: {error.strerror}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"{file}: not a calibration: {error}") from error
        for each in read.cases:
            if each.gate and each.spread is not None:
                key = each.profile, each.case_id
                found[key] = max(found.get(key, 0.0), each.spread)
    return found


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
    said = f"the SM clock changed by {units.signed_percent(change - 1)}; in cycles the change is"
    said = f"{said} {units.signed_percent(cycles - 1)}"
    most = abs(math.log(cycles)) < abs(math.log(ratio)) / 2
    return f"{said}, so most of it is the clock" if most else said


def _mean_clock(records: Sequence[Record]) -> float | None:
    values = [all_metrics()[CLOCK].compute(record) for record in records]
    known = [value for value in values if value]
    return statistics.fmean(known) if known and len(known) == len(values) else None
