"""What a gate makes of a comparison: it passes, fails or refuses. Every verb asks here."""

from collections.abc import Iterator, Sequence
from typing import Literal

from suite.errors import EXIT_CASES, EXIT_OK, EXIT_REGRESSION
from suite.results.comparison.report import GATED, Comparison, named
from suite.results.stats.significance import GATE_LAUNCHES
from suite.wire import Struct

#: What a step time may not be blamed on the candidate for.
OTHER_MACHINE = ("gpu", "driver", "power", "tokens")


class Decision(Struct, frozen=True, kw_only=True):
    """The answer of a gate, with its reasons, a phrase each.

    ``exit_code`` is 0, 5 where it fails, and 4 where it refuses. ``nothing_shown`` are the cases
    of whose step time neither a change nor its absence was shown: they pass, unless strict.
    """

    answer: Literal["passes", "fails", "refuses"]
    failures: tuple[str, ...]
    refusals: tuple[str, ...]
    nothing_shown: tuple[str, ...]
    exit_code: int

    @property
    def sentence(self) -> str:
        """Return it as the last line of an output."""
        if self.answer == "fails":
            return f"A gate fails: {'; '.join(self.failures)}."
        if self.answer == "refuses":
            return f"A gate refuses to answer: {'; '.join(self.refusals)}."
        if not self.nothing_shown:
            return "A gate passes."
        return (
            "A gate passes, but nothing was shown of the step time of"
            f" {named(self.nothing_shown)}: INCONCLUSIVE."
        )


def decide(found: Comparison, *, strict: bool = False) -> Decision:
    """Return what a gate answers.

    What no machine explains fails it whatever else is unlike: a case that fails, other losses,
    more memory. A slower case fails it unless sides are unlike in what ``--allow`` did not name.
    Only then too few repeats and nothing to compare keep it from passing.
    """
    failures = list(found.other_failures)
    unlike = [each for each in found.unlike if not each.allowed]
    blamed = [each for each in unlike if each.name in OTHER_MACHINE]
    if not blamed:
        failures += found.time_failures
    refusals = tuple(_refusals(found, [f"{each.text}; --allow {each.name}" for each in unlike]))
    nothing_shown = found.open
    if strict and not refusals:
        failures += [f"{case_id}: inconclusive" for case_id in nothing_shown]
    answer: Literal["passes", "fails", "refuses"]
    answer = "fails" if failures else "refuses" if refusals else "passes"
    return Decision(
        answer=answer,
        failures=tuple(failures),
        refusals=refusals,
        nothing_shown=nothing_shown,
        exit_code={"passes": EXIT_OK, "fails": EXIT_REGRESSION, "refuses": EXIT_CASES}[answer],
    )


def _refusals(found: Comparison, unlike: Sequence[str]) -> Iterator[str]:
    times = [line for line in found.lines if line.metric == GATED]
    if found.nothing_compared:
        yield f"nothing was compared, since {found.nothing_compared}"
    answered = {(each.profile, each.case_id) for each in found.failed if each.fails}
    few = {
        line.case_id: fewest
        for line in times
        if (fewest := min(line.base_launches, line.candidate_launches)) < GATE_LAUNCHES
        and (line.profile, line.case_id) not in answered
    }
    if few:
        case_id = min(few, key=few.__getitem__)
        others = f" (and {len(few) - 1} more)" if len(few) > 1 else ""
        yield (
            f"{case_id}{others}: {few[case_id]} of {GATE_LAUNCHES} repeats a side; steps of one"
            " repeat are not replicates"
        )
    yield from unlike
