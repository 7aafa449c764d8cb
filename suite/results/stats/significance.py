"""Is a change of a measured quantity real? Replicates are launches, never steps.

Steps of one launch share a process and scatter far less than launches do, so a test fed with steps
calls two runs of the same thing different in most cases. Here are the words and limits of the
rule; ``gate_rule`` judges a run by them, ``effects`` says what was found of a case, and
``tox -e gate`` simulates how often that is wrong.
"""

import math
import statistics
from collections.abc import Sequence
from enum import StrEnum

MARGIN = 0.02  #: changes up to this do not matter
FEW_MARGIN = 0.25  #: with fewer than ``GATE_LAUNCHES``: two modes of a host differ by less
POOLED_MARGIN = 0.003  #: of the step times of all cases together
SLOWER_ALPHA = 0.01  #: one-sided; of everything that one gate tests
POOLED_ALPHA = 0.0025  #: of it, for step times of all cases together
LOSS_ALPHA = 0.0025  #: of it, for losses of all cases together
SAME_ALPHA = 0.05  #: of each of the two tests that make the equivalence test
INTERVAL = 0.95
POWER = 0.8  #: at which the smallest change that could have been found is stated
LEAST_LAUNCHES = 3  #: a side; fewer say nothing about scatter
GATE_LAUNCHES = 5  #: a side
MOST_LAUNCHES = 200  #: more are not proposed


class Verdict(StrEnum):
    """The answer for one quantity of one case."""

    SLOWER = "SLOWER"
    FASTER = "FASTER"
    SAME = "SAME"
    INCONCLUSIVE = "INCONCLUSIVE"


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean of values (Student's t), None for fewer than two."""
    from scipy.special import stdtrit

    if len(values) < 2:
        return None
    mean, number = statistics.fmean(values), len(values)
    # Not ``statistics.stdev``: its exact fractions are slow where thousands of records ask.
    squares = math.fsum((value - mean) ** 2 for value in values)
    error = math.sqrt(squares / (number - 1) / number)
    half = float(stdtrit(number - 1, (1 + INTERVAL) / 2)) * error
    return mean - half, mean + half


def pooled(ratios: Sequence[float]) -> float | None:
    """Return the one-sided p-value of all cases together being above 1; None for fewer than three.

    Each case counts once, by the logarithm of its ratio: a change too small to show in any case
    shows where all of them lean the same way.
    """
    from scipy.special import stdtr

    logs = [math.log(ratio) for ratio in ratios]
    if len(logs) < LEAST_LAUNCHES or statistics.stdev(logs) == 0:
        return None
    error = statistics.stdev(logs) / math.sqrt(len(logs))
    return float(stdtr(len(logs) - 1, -statistics.fmean(logs) / error))
