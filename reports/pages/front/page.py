"""All of the first screen."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from reports.analysis.dataset import Dataset
from reports.analysis.scaling import scaled_cases
from reports.pages.front.chart import ModelChart, charts
from reports.pages.front.findings import KeyFinding, findings
from reports.pages.front.measures import MEASURES, Measure
from reports.pages.front.scope import on_gpu, scope
from reports.pages.front.strip import Strip, strip
from reports.pages.overview import OverviewTable
from suite.csv import defused

#: What a reader wants to do next, and the page that helps.
TASKS = (
    ("What can my GPU train overnight?", "plan.html"),
    ("Buy or rent: what does a job cost?", "plan.html"),
    ("Is the claim I read true?", "claims.html"),
    ("Did an upgrade slow me down?", "history.html"),
    ("Check or repeat a number", "all-results.html"),
)


class FrontPage(msgspec.Struct, frozen=True, kw_only=True):
    """The first screen; ``csv`` is the address of the plots' numbers, which it holds itself.

    ``several_gpus`` is that of the model that ran on several GPUs in most cases, "" without one.
    """

    title: str
    scope: tuple[str, ...]
    findings: tuple[KeyFinding, ...]
    models: tuple[ModelChart, ...]
    choices: tuple[ModelChart, ...]
    measures: tuple[Measure, ...]
    strip: Strip | None
    tasks: tuple[tuple[str, str], ...]
    several_gpus: str
    csv: str

    @property
    def ranges(self) -> bool:
        """Return whether any mark has a bar over its repeats."""
        plots = [plot for model in self.models for plot in model.plots]
        return any(m.low is not None for plot in plots for row in plot.rows for m in row.marks)


def front_page(dataset: Dataset, tables: Sequence[OverviewTable]) -> FrontPage:
    """Return the first screen; ``tables`` are those below it."""
    models = charts(dataset, tables)
    used = {plot.measure.name for model in models for plot in model.plots}
    gpu = on_gpu(dataset)
    order = [table.anchor for table in tables]
    return FrontPage(
        title=(
            "What fine-tuning an LLM costs on one GPU"
            if gpu
            else "Fine-tuning methods, side by side"
        ),
        scope=scope(dataset),
        findings=findings(dataset),
        models=models,
        choices=tuple(sorted(models, key=lambda each: order.index(f"glance-{each.name}"))),
        measures=tuple(each for each in MEASURES if each.name in used),
        strip=strip(dataset),
        tasks=TASKS,
        several_gpus=_several_gpus(dataset, tables) if gpu else "",
        csv=_csv(models),
    )


def _several_gpus(dataset: Dataset, tables: Sequence[OverviewTable]) -> str:
    models = Counter(
        each.repeats.case.model.title for each in scaled_cases(dataset) if each.beside
    )
    most = models.most_common(1)
    return next(
        (f"{each.href}#scaling" for each in tables if most and each.model == most[0][0]), ""
    )


def _csv(models: Sequence[ModelChart]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("model", "metric", "method", "gpu", "value in SI units"))
    rows = 0
    for model in models:
        for plot in model.plots:
            for row in plot.rows:
                for (_, gpu), figure in zip(plot.gpus, row.figures, strict=True):
                    if figure.exact:
                        named = map(defused, (model.title, plot.measure.title, row.method, gpu))
                        writer.writerow((*named, f"{float(figure.exact):.6g}"))
                        rows += 1
    written = text.getvalue().encode("utf-8", "replace")
    return f"data:text/csv;charset=utf-8,{quote(written, safe=',/:()')}" if rows else ""
