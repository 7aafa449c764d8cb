"""How the first screen calls GPUs, workloads and ranges, in few letters."""

from collections.abc import Sequence

from reports.analysis.dataset import Dataset
from reports.analysis.workloads import WorkGroup, profile_titles
from reports.text import phrases

_VENDORS = ("NVIDIA", "AMD", "Intel")


def gpu_names(dataset: Dataset) -> dict[str, str]:
    """Return a short name for each profile: no vendor, and no last word that all of them have."""
    titles = profile_titles(dataset)
    words = {name: title.split() for name, title in titles.items()}
    for name, each in words.items():
        if len(each) > 1 and each[0] in _VENDORS:
            words[name] = each[1:]
    last = {each[-1] for each in words.values() if each}
    if len(words) > 1 and len(last) == 1 and all(len(each) > 1 for each in words.values()):
        words = {name: each[:-1] for name, each in words.items()}
    short = {name: phrases.short(" ".join(each)) for name, each in words.items()}
    return short if len(set(short.values())) == len(short) else titles


def workload(work: WorkGroup) -> str:
    """Return what one step trains on: ``2 × 2,048 tokens a step, fixed-length sequences``."""
    rows, *rest = phrases.work(work.workload).split(", ")
    return ", ".join([f"{rows} a step", *rest])


def times(values: Sequence[float]) -> str:
    """Return a range of ratios in the digits that a single pair allows: ``1.3–2.1×``."""
    low, high = f"{min(values):.1f}", f"{max(values):.1f}"
    return f"{low}×" if low == high else f"{low}–{high}×"


def saved(shares: Sequence[float]) -> str:
    """Return a range of shares: ``59–68 %``; what is negative was not saved but added."""
    low, high = (f"{value * 100:.0f}".replace("-", "−") for value in (min(shares), max(shares)))
    if low == high:
        return f"{low} %"
    return f"{low}{' to ' if low.startswith('−') else '–'}{high} %"
