"""Find the largest workload that fits by trying: doubling, then halving the gap. No clock, no GPU.

Every answer is a record, so a search that was cut off goes on from those there are.
"""

from collections.abc import Mapping

import msgspec


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for: the largest multiple of ``step`` up to ``bound`` that fits.

    Begins at ``start``. Whatever fits, everything smaller is taken to fit.
    """

    start: int
    step: int
    bound: int

    @property
    def least(self) -> int:
        """Return the smallest value that is ever tried."""
        return min(self.step, self.bound)

    def following(self, tried: Mapping[int, bool]) -> int | None:
        """Return the value to try next; None when the edge is known. ``tried``: did it fit?"""
        good, bad = self.edge(tried)
        if good is None and bad is None:
            return self._rounded(self.start)
        if bad is None:
            return None if good is None or good >= self.bound else self._rounded(2 * good)
        if good is None:
            return None if bad <= self.least else self._rounded(bad // 2)
        return None if bad - good <= self.step else self._rounded((good + bad) // 2)

    def edge(self, tried: Mapping[int, bool]) -> tuple[int | None, int | None]:
        """Return the largest value that fitted below the smallest that did not, and that one."""
        bad = min((value for value, fits in tried.items() if not fits), default=None)
        fitted = [value for value, fits in tried.items() if fits and (bad is None or value < bad)]
        return max(fitted, default=None), bad

    def _rounded(self, value: int) -> int:
        if value >= self.bound:
            return self.bound
        return max(self.least, value // self.step * self.step)
