"""How one card was measured: what was the same in all its runs, and what was not."""

import msgspec

from reports.analysis.dataset import Dataset
from reports.text import facts, phrases
from reports.text import numbers as cells
from suite import units
from suite.results.record import Finding, Record


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run: its facts that are not those of all runs, in the order of the columns."""

    run_id: str
    page: str
    facts: tuple[str, ...]


class RunTable(msgspec.Struct, frozen=True, kw_only=True):
    """All runs on one profile, newest first; ``notes`` say what changed within a run."""

    same: facts.Facts
    columns: tuple[str, ...]
    rows: tuple[RunRow, ...]
    notes: tuple[str, ...]


def runs(dataset: Dataset, profile: str) -> RunTable:
    """Return the runs of the dataset's groups, which are all of one profile."""
    by_run: dict[str, list[Record]] = {}
    for group in dataset.groups:
        by_run.setdefault(group.first.run_id, []).extend(group.records)
    facts_of = {run_id: _facts(records, dataset, run_id) for run_id, records in by_run.items()}
    terms = list(dict.fromkeys(term for each in facts_of.values() for term in each))
    values = {term: {each.get(term, "") for each in facts_of.values()} for term in terms}
    same = tuple((term, next(iter(values[term]))) for term in terms if len(values[term]) == 1)
    columns = tuple(term for term in terms if len(values[term]) > 1)
    return RunTable(
        same=same,
        columns=columns,
        rows=tuple(
            RunRow(
                run_id=phrases.short(run_id),
                page=cells.record_page(by_run[run_id][0]),
                facts=tuple(each.get(term) or "unknown" for term in columns),
            )
            for run_id, each in facts_of.items()
        ),
        notes=tuple(
            f"{phrases.short(run_id)}: {note}"
            for run_id, records in by_run.items()
            for note in facts.conflicts(records)
        ),
    )


def _facts(records: list[Record], dataset: Dataset, run_id: str) -> dict[str, str]:
    found = dict(facts.of_run(records, dataset.plans.get(run_id), run_id))
    del found["Session"]
    found["Before the first case"] = preflight(records)
    return found


def preflight(records: list[Record]) -> str:
    """Return what was found on the machine before the first case, what is not ok in full."""
    findings: dict[str, dict[Finding, None]] = {}
    for record in records:
        for finding in record.environment.preflight:
            findings.setdefault(finding.name, {})[finding] = None
    if not findings:
        return "not looked at"
    bad = [
        f"{finding.name}, {finding.status}: {finding.detail}"
        for each in findings.values()
        for finding in each
        if finding.status != "ok"
    ]
    looked = f"{units.counted(len(findings), 'thing')} looked at"
    return f"{looked}, all ok" if not bad else phrases.short(f"{looked}; {'; '.join(bad)}")
