"""The page for whoever has a GPU that is missing here: the way to its results, and what waits."""

import msgspec

from reports.analysis.dataset import Dataset
from reports.text import facts, gpu_facts
from reports.text.addresses import gpu_page
from suite.catalog import profile as profiles

#: From a clone of a fork to a pull request: what is typed, and what it does.
COMMANDS = (
    ("./tunebench check", "Is the machine fit to measure? Put right what says block."),
    (
        "./tunebench run --tier standard --launches 3",
        "Measure every case in three repeats. It prints the folder, runs/RUN.",
    ),
    (
        "./tunebench publish runs/RUN --by NAME",
        "File it under your name, without what identifies the machine. You look at it first.",
    ),
    (
        "./tunebench validate --strict reports/results/PROFILE/RUN",
        "Check it as CI will.",
    ),
    ("./tunebench test -e readme", "Write the tables of the documents anew."),
    (
        "git switch -c results-PROFILE && git add --all"
        ' && git commit -m "Results of PROFILE by NAME" && git push -u origin HEAD',
        "Then open a pull request.",
    ),
)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A GPU of the catalog that has no result yet; ``profile`` is the name of its file."""

    title: str
    profile: str
    memory: str


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A GPU that somebody gave results of; ``title`` has their names."""

    title: str
    page: str


class AddGpuPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows. ``measured`` counts the catalog's GPUs that have a result."""

    commands: tuple[tuple[str, str], ...]
    measured: int
    waiting: tuple[Waiting, ...]
    given: tuple[Given, ...]


def page(dataset: Dataset) -> AddGpuPage:
    """Return the page of a collection: what waits is what the catalog has and no record is of."""
    records = dataset.collection.records
    measured = {record.profile for record in records}
    catalog = [each for each in profiles.everything() if each.has_gpu]
    waiting = tuple(
        Waiting(
            title=each.title,
            profile=each.name,
            memory=gpu_facts.value(each, "memory_bytes"),
        )
        for each in catalog
        if each.name not in measured
    )
    given = {}
    for name in sorted({record.profile for record in records if record.origin is not None}):
        of_others = [each for each in records if each.profile == name and each.origin is not None]
        given[name] = facts.profile_title(of_others, name)
    return AddGpuPage(
        commands=COMMANDS,
        measured=len(catalog) - len(waiting),
        waiting=waiting,
        given=tuple(Given(title=title, page=gpu_page(name)) for name, title in given.items()),
    )
