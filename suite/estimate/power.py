"""The energy of a step that was not measured: what a GPU draws at rest, for operations, for bytes.

Fitted on the energy of measured steps by non-negative least squares. An operation costs about as
much whoever's kernel does it; on another chip, in another process and at other clocks, it costs
another amount, which the interval of a projection allows for.
"""

import math
import statistics
from collections.abc import Sequence

import msgspec

from suite.catalog.profile import POSSIBLE, Profile
from suite.estimate.roofline import Demand
from suite.estimate.time_samples import TimeSample


class EnergyModel(msgspec.Struct, frozen=True, kw_only=True):
    """What was fitted on the measured cards. ``watts`` are drawn at any time.

    ``error`` is the root mean square of relative errors over the cases of the fit.
    """

    watts: float
    joules_per_flop: float
    joules_per_byte: float
    cases: int
    error: float

    def work_joules(self, wanted: Demand) -> float:
        """Return what the work of a step draws, beside what is drawn at any time."""
        flops, traffic = wanted.flops, wanted.traffic_bytes
        return self.joules_per_flop * flops + self.joules_per_byte * traffic


def thrift(card: Profile, measured: Sequence[Profile]) -> float:
    """Return the energy of an operation on a card over that on the measured ones, at most 1.

    A chip of another architecture whose board has less power for each operation of its peak is
    taken to need as much less for one. Of one architecture a smaller board is no thrift, and a
    larger one is no waste: its peak is not what it spends its power on.
    """
    known = [_watts_per_flop(other) for other in measured]
    theirs = [ratio for ratio in known if ratio is not None]
    ours = _watts_per_flop(card)
    alike = card.compute_capability in {other.compute_capability for other in measured}
    if alike or ours is None or not theirs:
        return 1.0
    return min(1.0, ours / statistics.median(theirs))


def _watts_per_flop(card: Profile) -> float | None:
    board, peak = card.facts.board_power_watts, card.facts.bf16_flops
    return None if board is None or peak is None else board.value / peak.value


def fit_energy(found: Sequence[TimeSample]) -> EnergyModel | None:
    """Return what the samples say, or None where fewer than four know their energy."""
    from scipy.optimize import nnls

    _, most_watts, _ = POSSIBLE["board_power_watts"]
    known = [
        (s, s.joules)
        for s in found
        if s.joules is not None and 1 <= s.joules / s.seconds <= most_watts
    ]
    if len(known) < 4:
        return None
    # Relative errors: each equation is divided by what was measured. Scaled to alike sizes.
    rows = [
        [s.seconds * 1e2 / j, s.demand.flops * 1e-12 / j, s.demand.traffic_bytes * 1e-10 / j]
        for s, j in known
    ]
    (seconds, flops, traffic), rest = nnls(rows, [1.0] * len(rows))
    return EnergyModel(
        watts=float(seconds) * 1e2,
        joules_per_flop=float(flops) * 1e-12,
        joules_per_byte=float(traffic) * 1e-10,
        cases=len(known),
        error=float(rest) / math.sqrt(len(known)),
    )
