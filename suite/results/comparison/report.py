"""What a comparison found: lines, changes, settings, and by what a gate fails."""

from collections.abc import Sequence
from typing import Any, Literal

from suite.results.comparison.side import Allowed, Side
from suite.results.stats import significance
from suite.units import counted
from suite.wire import Struct

#: Decide, as one family of tests: the step as a job has it, and as the GPU alone would. Tokens per
#: second are reciprocals of the first and would count it twice.
GATED = "step_seconds"
LOW = "step_seconds_low"
MOST_NAMED = 3  #: cases in a sentence


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


Pooled = Literal["step time", "step time, 10 % quantile", "loss"]


class PooledTest(Struct, frozen=True, kw_only=True):
    """All cases together: too small a change to show in one may show in all.

    ``ratio`` is candidate over base, ``p`` the one-sided p-value of it being above 1, adjusted
    where two are asked. Where ``gates``, a gate fails if it is below ``alpha`` and the ratio above
    1 by more than ``margin``. Step times decide only where the sides took turns.
    """

    quantity: Pooled
    cases: int
    ratio: float
    p: float
    margin: float
    alpha: float
    gates: bool

    @property
    def fails(self) -> bool:
        """Return whether a gate fails by it."""
        return self.gates and self.p < self.alpha and self.ratio > 1 + self.margin


class Unlike(Struct, frozen=True, kw_only=True):
    """Something beside the change that was to be judged is another on the two sides.

    ``name`` is what allows it; ``text`` says what it is, of which cases. A gate refuses to answer
    unless it is ``allowed``.
    """

    name: Allowed
    text: str
    allowed: bool


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
    unlike: tuple[Unlike, ...] = ()
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
        return (*self.other_failures, *self.time_failures)

    @property
    def other_failures(self) -> tuple[str, ...]:
        """Return those that no other machine explains: cases that fail, losses, memory."""
        reasons = [f"{each.case_id}: {each.kind}" for each in self.changes if each.fails]
        failing = [each.case_id for each in self.failed if each.fails]
        reasons += [f"{case_id}: newly failing" for case_id in dict.fromkeys(failing)]
        reasons += [
            f"{line.case_id}: {line.metric} {line.verdict}"
            for line in self.lines
            if line.fails and line.metric not in (GATED, LOW)
        ]
        losses = [each for each in self.pooled if each.fails and each.quantity == "loss"]
        return (*reasons, *("all cases together: a higher loss" for _ in losses))

    @property
    def time_failures(self) -> tuple[str, ...]:
        """Return what got slower, each case once: by its mean step, else by its 10 % quantile."""
        slower: dict[tuple[str, str], QuantityResult] = {}
        for line in self.lines:
            if line.fails and line.metric in (GATED, LOW):
                key = (line.profile, line.case_id)
                if line.metric == GATED or key not in slower:
                    slower[key] = line
        reasons = [f"{each.case_id}: {each.metric} {each.verdict}" for each in slower.values()]
        pooled = [each for each in self.pooled if each.fails and each.quantity != "loss"]
        return (*reasons, *(["all cases together: SLOWER"] if pooled else []))

    @property
    def open(self) -> tuple[str, ...]:
        """Return the cases of whose step time neither a change nor its absence was shown."""
        found: dict[tuple[str, str], list[str]] = {}
        for line in self.lines:
            if line.metric in (GATED, LOW):
                found.setdefault((line.profile, line.case_id), []).append(line.verdict)
        changed = (significance.Verdict.SLOWER, significance.Verdict.FASTER)
        return tuple(
            case_id
            for (_, case_id), verdicts in found.items()
            if not any(each in changed for each in verdicts)
            and any(each != significance.Verdict.SAME for each in verdicts)
        )


def result_line(side: Side, metric: str, verdict: str, **rest: Any) -> QuantityResult:
    """Return the line of a quantity of one case, with the repeats of both sides."""
    (profile, case_id), before, after = side
    launches = {"base_launches": len(before), "candidate_launches": len(after)}
    return QuantityResult(
        profile=profile,
        case_id=case_id,
        metric=metric,
        verdict=verdict,
        **{**launches, **rest},
    )


def named(case_ids: Sequence[str]) -> str:
    """Return cases by name where they are few, else how many."""
    return ", ".join(case_ids) if len(case_ids) <= MOST_NAMED else counted(len(case_ids), "case")
