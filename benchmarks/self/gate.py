"""How often the gate of ``./tunebench compare`` is wrong, by simulation: ``tox -e gate``.

Launches of both sides are drawn from one lognormal distribution, the candidate's moved by a known
change; each comparison has five launches a side. Prints a Markdown table; the seed is fixed.
"""

import sys

from suite.results.stats.error_rates import TRIALS, verdict_counts
from suite.results.stats.significance import Verdict

SPREADS = (0.003, 0.007, 0.02)  #: of launches, as the logarithm's standard deviation
CHANGES = (0.0, 0.02, 0.03, 0.05)


def main() -> int:
    """Print the table."""
    print("| Spread of launches | True change | SLOWER | FASTER | SAME | INCONCLUSIVE |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for spread in SPREADS:
        for change in CHANGES:
            row = verdict_counts(spread, change, calibrated=True)
            cells = [f"{spread:.1%}", f"{change:+.0%}" if change else "none"]
            cells += [f"{row[verdict] / TRIALS:.1%}" for verdict in Verdict]
            print("|", " | ".join(cell.replace("%", " %") for cell in cells), "|")
    return 0


if __name__ == "__main__":
    sys.exit(main())
