"""How often the gate of ``./tunebench compare`` is wrong, by simulation: ``tox -e gate``.

Launches of both sides are drawn from one lognormal distribution, the candidate's moved by a known
change; each comparison has five launches a side. Prints a Markdown table; the seed is fixed.
"""

import math
import random
import sys
from collections import Counter

from suite.results.stats import GATE_LAUNCHES, Verdict, effect, verdicts

TRIALS = 2000
SPREADS = (0.003, 0.007, 0.02)  #: of launches, as the logarithm's standard deviation
CHANGES = (0.0, 0.02, 0.03, 0.05)
SEED = 17


def shares(spread: float, change: float) -> dict[Verdict, float]:
    """Return the share of comparisons that end in each verdict."""
    drawn = random.Random(SEED)

    def side(moved: float) -> list[float]:
        return [math.exp(drawn.gauss(math.log1p(moved), spread)) for _ in range(GATE_LAUNCHES)]

    found = Counter(
        verdicts([effect(side(0.0), side(change), spread=spread)])[0] for _ in range(TRIALS)
    )
    return {verdict: found[verdict] / TRIALS for verdict in Verdict}


def main() -> int:
    """Print the table."""
    print("| Spread of launches | True change | SLOWER | FASTER | SAME | INCONCLUSIVE |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for spread in SPREADS:
        for change in CHANGES:
            row = shares(spread, change)
            cells = [f"{spread:.1%}", f"{change:+.0%}" if change else "none"]
            cells += [f"{row[verdict]:.1%}" for verdict in Verdict]
            print("|", " | ".join(cell.replace("%", " %") for cell in cells), "|")
    return 0


if __name__ == "__main__":
    sys.exit(main())
