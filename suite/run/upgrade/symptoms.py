"""What a regression looks like, and whether part of an upgrade shows the same one."""

import math
import re
from collections.abc import Sequence

import msgspec

from suite.results import comparison
from suite.results.record import Record
from suite.results.stats.significance import Verdict
from suite.results.validity.failed import why

#: A failure in one of these is the same in every launch: nothing was trained yet.
EARLY = frozenset({"start", "import", "load", "prepare"})
#: What differs between two messages about the same thing: folders, addresses, numbers.
_INCIDENTAL = re.compile(r"\(?/[^\s'\")]+\)?|0x[0-9a-f]+|\d+")
_LONGEST = 160


class Symptoms(msgspec.Struct, frozen=True, kw_only=True):
    """A regression: slower quantities with their ratios, reasons of failures, other phrases.

    ``deterministic`` where nothing but failures before the first step were seen, and these in
    every launch: then one launch answers as well as three.
    """

    slower: dict[tuple[str, str], float]
    reasons: dict[str, str]
    others: frozenset[str]
    deterministic: bool

    def shown_by(self, found: comparison.Comparison) -> bool | None:
        """Return whether a comparison shows it; None where it fails in another way.

        A slowdown counts as the same one from half of it on (of its logarithm): the answer is
        between two known effects, so it takes fewer launches than a verdict on an unknown one.
        """
        ratios = {(line.case_id, line.metric): line.ratio or 1.0 for line in found.lines}
        if any(ratios.get(key, 1.0) > math.sqrt(ratio) for key, ratio in self.slower.items()):
            return True
        if self.others.intersection(found.failures):
            return True
        return self._by_reasons(_reasons(found))

    def shown_in(self, records: Sequence[Record]) -> bool | None:
        """Return whether the records of one launch show it, of a deterministic one."""
        failed = (record for record in records if record.outcome != "ok")
        return self._by_reasons({record.case_id: _telling(why(record)) for record in failed})

    def _by_reasons(self, seen: dict[str, str]) -> bool | None:
        if any(seen.get(case_id) == reason for case_id, reason in self.reasons.items()):
            return True
        return None if seen else False


def of(found: comparison.Comparison, candidate: Sequence[Record]) -> Symptoms:
    """Return the symptoms of a comparison whose gate fails, with the candidate's records."""
    slow = [each for each in found.lines if each.fails and each.verdict == Verdict.SLOWER]
    reasons = _reasons(found)
    said = {f"{line.case_id}: {line.metric} {line.verdict}" for line in slow}
    said |= {f"{case_id}: newly failing" for case_id in reasons}
    others = frozenset(found.failures) - said
    failing = [record for record in candidate if record.case_id in reasons]
    early = all(record.outcome != "ok" and record.phase in EARLY for record in failing)
    return Symptoms(
        slower={(line.case_id, line.metric): line.ratio or 1.0 for line in slow},
        reasons=reasons,
        others=others,
        deterministic=bool(reasons) and early and not slow and not others,
    )


def _reasons(found: comparison.Comparison) -> dict[str, str]:
    """Return why each case newly fails, without what is incidental."""
    launches = {each.case_id: each.reason for each in found.failed if each.fails}
    cases = {each.case_id: each.note for each in found.changes if each.kind == "newly failing"}
    return {case_id: _telling(note) for case_id, note in {**launches, **cases}.items()}


def _telling(note: str) -> str:
    return _INCIDENTAL.sub("#", note.partition(";")[0])[:_LONGEST]
