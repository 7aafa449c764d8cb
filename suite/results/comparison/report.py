"""What a comparison found: lines, changes, settings, and by what a gate fails."""

from typing import Literal

from suite.results.stats import significance
from suite.wire import Struct

#: Decides; one family of tests. Tokens per second are its reciprocals and would count it twice.
GATED = "step_seconds"


class QuantityResult(Struct, frozen=True, kw_only=True):
    """One quantity of one case. ``base`` and ``candidate`` are in the metric's unit.

    Of timed quantities geometric means over launches, of exact ones the highest, of losses the
    first one of the launch that parts the most. ``verdict`` is one of ``stats.Verdict``,
    "CHANGED", "UNKNOWN" or "" where there are too few launches for one. ``ratio`` is candidate
    over base, ``low`` and ``high`` its 95 % interval; ``smallest`` the share of a slowdown that
    could have been found; ``needed`` launches a side that would settle an INCONCLUSIVE.
    ``margin`` is what a change must exceed to be called one.
    """

    profile: str
    case_id: str
    metric: str
    verdict: str
    base_launches: int
    candidate_launches: int
    base: float | None = None
    candidate: float | None = None
    fails: bool = False
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    smallest: float | None = None
    needed: int | None = None
    margin: float | None = None
    note: str = ""


Kind = Literal[
    "missing",
    "newly failing",
    "newly passing",
    "new",
    "still failing",
    "new and failing",
    "dropped",
]


class CaseChange(Struct, frozen=True, kw_only=True):
    """A case that lacks numbers on a side, and why: ``note`` is the outcome there, in words.

    "missing" had numbers and was not tried again, "dropped" had none and was not either.
    """

    profile: str
    case_id: str
    kind: Kind
    note: str

    @property
    def fails(self) -> bool:
        """Return whether a gate fails by it."""
        return self.kind in ("missing", "newly failing")


class FailedLaunch(Struct, frozen=True, kw_only=True):
    """A launch without numbers of a case whose other launches have some; they alone count.

    ``reason`` is its outcome in words, with phase and cause. ``fails`` where it is one of the
    candidate's and the same case never failed in the base: a gate fails by it.
    """

    profile: str
    case_id: str
    side: Literal["base", "candidate"]
    run_id: str
    launch: int
    reason: str
    fails: bool


class ChangedSetting(Struct, frozen=True, kw_only=True):
    """An effective setting of a running model, or a package, that is another in the candidate.

    ``case_ids`` are the cases in which it changed so; "none" stands for what one side lacks.
    """

    setting: str
    base: str
    candidate: str
    case_ids: tuple[str, ...]


class AskedPackage(Struct, frozen=True, kw_only=True):
    """A package that ``upgrade-check`` gave a side; "none" where a side kept its own version.

    ``imported`` says whether a worker of either side imported it, null where nobody knows.
    """

    name: str
    base: str
    candidate: str
    imported: bool | None


class PooledTest(Struct, frozen=True, kw_only=True):
    """All cases together, each once: too small a change to show in one may show in all.

    ``ratio`` is the geometric mean of candidate over base, ``p`` the one-sided p-value of it being
    above 1. A gate fails where it is, and by more than ``margin``.
    """

    quantity: Literal["step time", "loss"]
    cases: int
    ratio: float
    p: float
    margin: float

    @property
    def fails(self) -> bool:
        """Return whether a gate fails by it."""
        return self.p < significance.SLOWER_ALPHA and self.ratio > 1 + self.margin


class Comparison(Struct, frozen=True, kw_only=True):
    """Everything found. ``pooled`` has step time and loss, where there are cases enough.

    ``failed`` are launches beside the numbers of ``lines``; a case that failed in every launch of
    one side is among ``changes``. ``asked`` are the packages that the sides were given.
    ``settings`` and ``packages`` that changed are said, also where nothing got slower by it; they
    fail no gate.
    """

    lines: tuple[QuantityResult, ...]
    changes: tuple[CaseChange, ...]
    failed: tuple[FailedLaunch, ...]
    settings: tuple[ChangedSetting, ...]
    packages: tuple[ChangedSetting, ...]
    notes: tuple[str, ...]
    pooled: tuple[PooledTest, ...]
    asked: tuple[AskedPackage, ...] = ()

    @property
    def nothing_compared(self) -> str:
        """Return why these results say nothing of the change, or "".

        No case has numbers on both sides, or nothing that was changed was imported by any case.
        """
        if not any(line.metric == GATED for line in self.lines):
            said = "; ".join(f"{each.case_id} is {each.kind}" for each in self.changes)
            return f"no case has numbers on both sides ({said})"
        if self.packages or not self.asked:
            return ""
        if any(each.imported is not False for each in self.asked):
            return ""
        return f"no case imports {', '.join(each.name for each in self.asked)}"

    @property
    def failures(self) -> tuple[str, ...]:
        """Return why a gate fails, a phrase each; none where it passes."""
        reasons = [f"{each.case_id}: {each.kind}" for each in self.changes if each.fails]
        failing = [each.case_id for each in self.failed if each.fails]
        reasons += [f"{case_id}: newly failing" for case_id in dict.fromkeys(failing)]
        reasons += [
            f"{line.case_id}: {line.metric} {line.verdict}" for line in self.lines if line.fails
        ]
        reasons += [
            f"all cases together: {'SLOWER' if each.quantity == 'step time' else 'a higher loss'}"
            for each in self.pooled
            if each.fails
        ]
        return tuple(reasons)

    @property
    def open(self) -> tuple[str, ...]:
        """Return the cases whose step time is not settled."""
        inconclusive = (line for line in self.lines if line.metric == GATED)
        return tuple(
            line.case_id
            for line in inconclusive
            if line.verdict in ("", "UNKNOWN", significance.Verdict.INCONCLUSIVE)
        )
