"""What the site's numbers are of: GPUs and months in every title, more on the first screen."""

from datetime import date

from reports.analysis.dataset import Dataset
from reports.pages.front.words import gpu_names
from suite import units
from suite.results.record import Record
from suite.results.validity.comparable import packages

_PACKAGES = {"peft": "PEFT", "trl": "TRL", "unsloth": "Unsloth"}
_MOST_NAMED = 4  #: GPUs; more are counted


def on_gpu(dataset: Dataset) -> bool:
    """Return whether any record is of a GPU."""
    return any(each.environment.gpu is not None for each in dataset.collection.records)


def about(dataset: Dataset) -> str:
    """Return GPUs and months as titles of pages name them; empty without a number."""
    good = _numbers(dataset)
    return " · ".join(part for part in (_where(dataset, good), months(dataset)) if part)


def months(dataset: Dataset) -> str:
    """Return when the numbers were measured; empty where that is not known."""
    good = _numbers(dataset)
    return _months(good) if good else ""


def _numbers(dataset: Dataset) -> list[Record]:
    good = [each for each in dataset.collection.records if each.outcome == "ok"]
    if on_gpu(dataset):
        return [each for each in good if each.environment.gpu is not None]
    return good


def _where(dataset: Dataset, good: list[Record]) -> str:
    names = gpu_names(dataset)
    measured = sorted({names[each.profile] for each in good})
    return units.listed(measured) if len(measured) <= _MOST_NAMED else f"{len(measured)} GPUs"


def scope(dataset: Dataset) -> tuple[str, ...]:
    """Return the line's sentences, none without a number."""
    good = _numbers(dataset)
    if not good:
        return ()
    parts = [f"Measured on {_where(dataset, good)}", _months(good), " · ".join(_versions(good))]
    said = [f"{', '.join(part for part in parts if part)}."]
    if all(each.weights.startswith("dummy") for each in good):
        said.append("Random weights: speed and memory, not model quality.")
    return tuple(said)


def _months(good: list[Record]) -> str:
    known = sorted({each.started_at[:7] for each in good})
    try:
        first, last = (date.fromisoformat(f"{each}-01") for each in (known[0], known[-1]))
    except ValueError:
        return ""
    if first == last:
        return f"{first:%B %Y}"
    begin = f"{first:%B}" if first.year == last.year else f"{first:%B %Y}"
    return f"{begin} to {last:%B %Y}"


def _versions(good: list[Record]) -> list[str]:
    """Return the versions of the packages of which all results have the same."""
    said = []
    for name, title in _PACKAGES.items():
        versions = {found for each in good if (found := packages(each).get(name))}
        if len(versions) == 1:
            said.append(f"{title} {versions.pop()[:20]}")
    return said
