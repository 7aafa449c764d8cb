"""Results as Markdown: tables for a README, everything in them computed from the records."""

from collections.abc import Callable, Mapping

from reports.analysis.dataset import Dataset, load
from reports.analysis.runs import RunSection
from reports.export import markdown_runs
from reports.pages.front.findings import findings
from reports.pages.front.scope import scope
from reports.sections import scaling, summary
from reports.text import markdown as markup
from reports.text import phrases
from suite.results.storage.reader import Collection

#: What stands under each run, and what is said once about all of them. In the order printed.
OF_RUN: Mapping[str, Callable[[Dataset, RunSection], list[str]]] = {
    "ladder": markdown_runs.ladders,
    "comparison": markdown_runs.comparisons,
    "sequence": markdown_runs.sequences,
    "padding": markdown_runs.paddings,
}
#: Facts of a run that its heading and the command line behind them say.
_SAID_ELSEWHERE = ("Session", "Plan")
FINDINGS = "findings"
TABLES = (FINDINGS, *OF_RUN, *summary.PARTS)
#: What a table that is asked for alone says where it is empty; others say nothing.
NOTHING = {"scaling": scaling.NOTHING}


def markdown(collection: Collection, only: str | None = None) -> str:
    """Return the collection's tables, or one kind of them (a name in ``TABLES``).

    Headings begin at the second level; one kind alone has none above its own. Empty when there is
    nothing of that kind, or what ``NOTHING`` says.
    """
    dataset = load(collection)
    blocks: list[str] = []
    if only is None:
        found = _findings(dataset)
        blocks += ["## What was found", *found] if found else []
        # "ladder" is a selection among the comparisons, all of which are printed here.
        blocks += _headed(dataset, "claim")
        runs = _runs(dataset, [kind for kind in OF_RUN if kind != "ladder"])
        blocks += ["## Sessions, newest first", *runs] if runs else []
        blocks += [b for kind in summary.PARTS if kind != "claim" for b in _headed(dataset, kind)]
    elif only == FINDINGS:
        blocks = _findings(dataset)
    elif only in OF_RUN:
        blocks = _runs(dataset, [only])
    else:
        blocks = [markup.block(block) for block in summary.part(dataset, only).blocks]
    if not blocks and only in NOTHING:
        blocks = [NOTHING[only]]
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _findings(dataset: Dataset) -> list[str]:
    """Return the findings of the site's first screen and of several GPUs, and what they are of."""
    found = findings(dataset)
    if not found:
        return []
    lines = [f"- **{markup.text(each.headline)}.** {markup.text(each.text)}" for each in found]
    if several := scaling.by_model(dataset):
        lines.append(f"- **Several GPUs.** {markup.text(' '.join(several))}")
    return ["\n".join(lines), markup.paragraph(" ".join(scope(dataset)))]


def _headed(dataset: Dataset, kind: str) -> list[str]:
    part = summary.part(dataset, kind)
    return [f"## {part.title}", *map(markup.block, part.blocks)] if part.blocks else []


def _runs(dataset: Dataset, kinds: list[str]) -> list[str]:
    texts = []
    for section in dataset.overview.sections:
        if any(map(dataset.is_try, dataset.of(section))):
            continue  # all tries of a search stand together, in a table of their own
        blocks = [block for kind in kinds for block in OF_RUN[kind](dataset, section)]
        if blocks:
            title = markup.text(f"{section.title} · {section.run_id}")
            ran = [record for group in dataset.of(section) for record in group.ok]
            said = (*section.notes, *phrases.routing(ran))
            notes = [f"Note: {markup.text(note)}" for note in said]
            texts += [f"### {title}", _caption(dataset, section), *notes, *blocks]
    return texts


def _caption(dataset: Dataset, section: RunSection) -> str:
    facts = " · ".join(
        f"{markup.text(term)}: {markup.text(fact)}"
        for term, fact in section.facts
        if term not in _SAID_ELSEWHERE
    )
    plan = dataset.plans.get(section.run_id)
    if plan is None:
        return facts
    return f"{facts} · {markup.code(phrases.command(plan))}"
