"""What a card held, found by ``tunebench probe``: the largest workload that ran, and the next."""

from collections.abc import Sequence

from reports.analysis.dataset import Dataset
from reports.text import columns, facts, phrases
from reports.text.blocks import Block, Prose, TextRow, table
from reports.text.numbers import record_page
from suite.results.metrics import all_metrics
from suite.results.replicates import Replicates


def searches(dataset: Dataset) -> list[Block]:
    """Return one row a search: what was held, what was not, in how many tries."""
    by_search: dict[object, list[Replicates]] = {}
    for group in dataset.groups:
        if dataset.is_try(group):
            plan, case = dataset.plans[group.first.run_id], group.case
            key = (plan.profile, plan.argv, case.model, case.method, case.loop, case.seed)
            by_search.setdefault(key, []).append(group)
    if not by_search:
        return []
    text = (
        "Each try is a session of its own, of a few steps: enough for the optimizer's state to be"
        " there, too few to tell a speed. Everything smaller than what fitted is taken to fit."
    )
    rows = [
        _search(tries, phrases.command(dataset.plans[tries[0].first.run_id]))
        for tries in by_search.values()
    ]
    header = ["Case", "On", "Fits", "Does not fit", "Outcome", "Peak of what fits", "Tries"]
    return [Prose(text=text), table([*header, "Command"], rows, words=5)]


def _search(groups: Sequence[Replicates], command: str) -> TextRow:
    tries = sorted(groups, key=lambda each: each.case.workload.step_tokens)
    over = [each for each in tries if each.best.outcome == "oom"]
    held = [each for each in tries if each.ok]
    if over:
        edge = over[0].case.workload.step_tokens
        held = [each for each in held if each.case.workload.step_tokens < edge]
    peak = all_metrics()["peak_allocated_bytes"].compute(held[-1].best) if held else None
    first = tries[0].first
    return TextRow(
        cells=(
            phrases.case_title(first.case),
            facts.profile_title([first], first.profile),
            phrases.work(held[-1].case.workload) if held else "nothing tried",
            phrases.work(over[0].case.workload) if over else "nothing tried",
            phrases.outcome(over[0].best) if over else "",
            "" if peak is None else columns.bytes_(peak),
            str(len(tries)),
            command,
        ),
        page=record_page((held or over or tries)[-1].best),
    )
