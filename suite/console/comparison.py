"""A comparison in words: the table, the sentences below it, and what a gate makes of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from suite import units
from suite.console import tables
from suite.errors import BadInput, did_you_mean
from suite.results.comparison import ALLOWED, GATED, LOW, Allowed, Comparison, QuantityResult
from suite.results.metrics import all_metrics
from suite.results.stats import significance

#: "smallest": the slowdown that these repeats would have shown four times of five.
HEADER = [
    "case",
    "quantity",
    "base",
    "candidate",
    "ratio",
    "interval",
    "smallest",
    "repeats",
    "verdict",
]
RIGHT = "base candidate ratio interval smallest repeats"


def show(found: Comparison, said: Sequence[str]) -> None:
    """Print a comparison for people: the table, then the sentences."""
    if found.lines:
        tables.show(HEADER, rows(found), right=RIGHT)
        print()
    for sentence in said:
        tables.say(sentence)


def markdown(found: Comparison, said: Sequence[str]) -> None:
    """Print the same as Markdown."""
    from reports.text import markdown as markup

    if found.lines:
        print(markup.table(HEADER, rows(found), words=2))
        print()
    for sentence in said:
        print(f"- {markup.paragraph(sentence)}")


def page(found: Comparison, said: Sequence[str], last: str, *, good: bool) -> str:
    """Return the same as an HTML page that needs no other; its verdict, ``last``, comes first."""
    from reports.pages.verdict import verdict_page

    return verdict_page(HEADER, rows(found), said, last, good=good)


def rows(found: Comparison) -> list[list[str]]:
    """Return a row of ``HEADER`` for each line; of launches that failed, how many."""
    lost = Counter[tuple[str, str, str]](
        (each.profile, each.case_id, each.side) for each in found.failed
    )
    return [_row(line, lost) for line in found.lines]


def _row(line: QuantityResult, lost: Mapping[tuple[str, str, str], int]) -> list[str]:
    bounds = (line.low, line.high)
    interval = " to ".join(_signed(bound - 1) for bound in bounds if bound is not None)
    counts = (("base", line.base_launches), ("candidate", line.candidate_launches))
    launches = []
    for side, good in counts:
        failed = lost.get((line.profile, line.case_id, side), 0)
        launches.append(f"{good} of {good + failed}" if failed else str(good))
    return [
        line.case_id,
        line.metric,
        _value(line.metric, line.base),
        _value(line.metric, line.candidate),
        "" if line.ratio is None else _signed(line.ratio - 1),
        interval,
        "" if line.smallest is None else units.percent(line.smallest),
        ", ".join(launches),
        line.verdict,
    ]


def allowed(given: Sequence[str]) -> Sequence[Allowed]:
    """Return what ``--allow`` names; raises BadInput for what cannot be allowed."""
    for each in given:
        if each not in ALLOWED:
            raise BadInput(f"--allow: cannot be {each!r}", hint=did_you_mean(each, ALLOWED))
    return cast(Sequence[Allowed], given)


def sentences(found: Comparison) -> list[str]:
    """Return what the table does not say."""
    said = [f"{each.case_id}: {each.kind}. {each.note}".rstrip(". ") for each in found.changes]
    said += [
        f"{each.case_id}: repeat {each.launch} of the {each.side} (session {each.run_id}) has"
        f" no numbers: {each.reason}"
        for each in found.failed
    ]
    for line in found.lines:
        if line.metric == "loss" and line.verdict != significance.Verdict.SAME:
            said.append(f"{line.case_id}: {line.note}")
        if line.metric in (GATED, LOW) and line.note:
            said.append(f"{line.case_id}: {_titled(line)}{line.note}")
        if line.metric in (GATED, LOW) and line.verdict == significance.Verdict.INCONCLUSIVE:
            said.append(f"{line.case_id}: {_titled(line)}{_inconclusive(line)}")
    for pooled in found.pooled:
        change = units.signed_percent(pooled.ratio - 1)
        worse = "higher" if pooled.quantity == "loss" else "slower"
        silent = "" if pooled.gates else "; it decides nothing"
        said.append(
            f"All {pooled.cases} cases together: {change} {pooled.quantity},"
            f" p = {pooled.p:.2g} for {worse}{silent}"
        )
    for unlike in found.unlike:
        allowed = ", which is allowed" if unlike.allowed else ""
        said.append(f"Unlike on the two sides: {unlike.text}{allowed}")
    said += [
        f"Package {each.name}: {each.base} → {each.candidate}, but no case imports it"
        for each in found.asked
        if each.imported is False
    ]
    for each in found.packages:
        said.append(f"Package {each.setting}: {each.base} → {each.candidate}")
    for each in found.settings:
        cases = ", ".join(each.case_ids)
        said.append(
            f"Effective setting {each.setting}: {each.base} → {each.candidate}, in {cases}"
        )
    return [*said, *(f"Note: {note}" for note in found.notes)]


def _titled(line: QuantityResult) -> str:
    return "10 % quantile: " if line.metric == LOW else ""


def _inconclusive(line: QuantityResult) -> str:
    needed = "more repeats than anybody would take"
    if line.needed is not None:
        needed = f"about {line.needed} repeats a side"
    if line.smallest is None or line.margin is None:
        return f"nothing is known of its scatter; to settle this, {needed}"
    return (
        f"a change counts from {units.percent(line.margin)} on, and a slowdown of"
        f" {units.percent(line.smallest)} would have been found; to settle this, {needed}"
    )


def _value(tag: str, value: float | None) -> str:
    if value is None:
        return ""
    metric = all_metrics().get(tag)
    if metric is None:
        return f"{value:.4f}"
    if metric.unit == "seconds":
        return units.seconds(value)
    if metric.unit == "bytes":
        return units.bytes_(value)
    if metric.unit == "tokens/second":
        return f"{value:,.0f} token/s"
    if metric.unit == "joules/token":
        return units.scaled(value, "J/token")
    return units.count(value)


def _signed(share: float) -> str:
    return f"{'−' if share < 0 else '+'}{abs(share):.1%}".replace("%", " %")
