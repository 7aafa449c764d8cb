"""Tiers: how much is run. One TOML in ``tiers/`` names models, methods, workloads and steps."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from suite.catalog import toml
from suite.catalog.bounds import Positive
from suite.catalog.names import Name, Suffix
from suite.catalog.parallel import Parallel

FOLDER = Path(__file__).parent / "tiers"


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The work of one optimizer step.

    ``sequence_tokens`` is the length of every row (``fixed``) or the longest allowed
    (``real-length``, whose rows follow a documented length distribution; ``text``, the small text
    that ships with the repository). ``packing``: ``none`` pads rows to the longest of their
    batch, ``packed`` fills rows of ``sequence_tokens``, ``padding-free`` concatenates a batch.
    ``parallel`` spreads it over several GPUs; batches and accumulation then are each rank's.
    """

    sequence_tokens: Positive
    batch_sequences: Positive
    gradient_accumulation: Positive = 1
    data: Literal["fixed", "real-length", "text"] = "fixed"
    packing: Literal["none", "packed", "padding-free"] = "none"
    parallel: Parallel | None = None

    def __post_init__(self) -> None:
        if self.packing != "none" and self.data == "fixed":
            raise ValueError("packing needs rows of different lengths: data = 'real-length'")

    @property
    def varies(self) -> bool:
        """Return whether steps differ in how much they compute."""
        return self.data == "real-length"

    @property
    def step_tokens(self) -> int:
        """Return the positions of one optimizer step whose rows are all as long as they may be."""
        rows = self.batch_sequences * self.gradient_accumulation * self.ranks
        return self.sequence_tokens * rows

    @property
    def ranks(self) -> int:
        """Return how many processes train together, each on rows of its own."""
        return 1 if self.parallel is None else self.parallel.ranks


class Variant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second workload of a tier; its ``suffix`` ends the case id.

    One that is the tier's own spread over several GPUs needs none: ids say that by themselves.
    Empty ``models`` or ``methods`` means all of the tier's.
    """

    suffix: Suffix | None = None
    workload: Workload
    models: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.suffix is None and self.workload.parallel is None:
            raise ValueError("a variant on one GPU needs a suffix, which ends its cases' ids")


class Warmup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When warm-up ends: two consecutive windows whose median step times agree, or the cap.

    ``tolerance`` is relative. Where steps differ in how much they compute, windows never agree:
    warm-up then is every steady batch once, so that no shape is new when it counts.
    """

    window_steps: Positive
    tolerance: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    max_steps: Positive

    def __post_init__(self) -> None:
        if self.max_steps < 2 * self.window_steps:
            raise ValueError("max_steps must cover two windows")


class Timeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Longest time for each phase, and for one step of warm-up or steady, in seconds."""

    import_seconds: Positive = 300
    load_seconds: Positive = 900
    prepare_seconds: Positive = 600
    first_step_seconds: Positive = 900
    step_seconds: Positive = 300


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One amount of work: which cases, how many steps. Cases run in the order written.

    ``by_model`` replaces the tier's workload for one model. ``suffix`` ends the ids of the tier's
    own workload, where that is not the standard one: an id means the same work in every tier.
    ``steady_steps_if_short`` replaces ``steady_steps`` where a step takes less than
    ``case.SHORT_STEP_SECONDS``: more steps cost little there, and short steps scatter most.
    """

    name: Name
    title: str
    summary: str
    models: tuple[str, ...]
    methods: tuple[str, ...]
    workload: Workload
    steady_steps: Positive
    steady_steps_if_short: Positive | None = None
    warmup: Warmup
    suffix: Suffix | None = None
    launches: Positive = 1
    variants: tuple[Variant, ...] = ()
    by_model: dict[str, Workload] = {}
    timeouts: Timeouts = Timeouts()


def names() -> list[str]:
    """Return the catalog's tier names."""
    return toml.names(FOLDER)


def load(name: str) -> Tier:
    """Return one tier; raises BadInput for an unknown name or a bad file."""
    return toml.load(FOLDER, name, Tier, noun="tier")


def standard() -> Tier | None:
    """Return the tier that a report estimates by; None where its file is bad, which is told."""
    return next(iter(toml.every(["standard"], load)), None)
