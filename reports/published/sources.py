"""Figures that others published, as data: one TOML in ``references/`` is one source.

They are claims to hold measurements against, never measurements. What a source does not state is
absent, and stays so: nothing is filled in from what is usual.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from suite.catalog import method as methods
from suite.catalog import model as models
from suite.catalog import profile as profiles
from suite.catalog import toml
from suite.catalog.architecture import Architecture
from suite.errors import BadInput, did_you_mean

FOLDER = Path(__file__).parents[1] / "references"
ARCHITECTURES = FOLDER / "architectures"

Text = Annotated[str, msgspec.Meta(min_length=1)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=2**53)]

#: What a figure is a number of, with its SI unit. ``tokens_per_second`` and
#: ``model_flops_per_second`` are those of one GPU; ``speed_ratio`` and ``memory_saved_share`` are
#: against a baseline; ``runs`` and ``faster_card`` are statements without a number.
Quantity = Literal[
    "tokens_per_second",
    "step_seconds",
    "model_flops_per_second",
    "peak_memory_bytes",
    "speed_ratio",
    "memory_saved_share",
    "run_seconds",
    "runs",
    "faster_card",
]
STATEMENTS = ("runs", "faster_card")
RATIOS = ("speed_ratio", "memory_saved_share")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a source says about how a figure came about; null or empty is not stated.

    ``hardware``, ``model``, ``method``, ``baseline`` and ``data`` are the source's words. Their
    plurals are what this suite's catalog has that could be meant: one name where that is certain,
    several where the source leaves it open. ``rows`` is how a batch is filled: rows of one length,
    padded, packed, or concatenated without padding. ``flops_precision`` is that of the matrix
    products, not of how weights are stored. ``loss`` is the kernel that computes it.
    ``memory_counter`` is what peak memory was read from.
    """

    hardware: Text | None = None
    profiles: tuple[str, ...] = ()
    gpus: Positive | None = None
    model: Text | None = None
    models: tuple[str, ...] = ()
    method: Text | None = None
    methods: tuple[str, ...] = ()
    trains: Literal["adapters", "everything"] | None = None
    sequence_tokens: Positive | None = None
    batch_sequences: Positive | None = None
    gradient_accumulation: Positive | None = None
    rows: Literal["one length", "padded", "packed", "padding-free"] | None = None
    data: Text | None = None
    rank: Positive | None = None
    targets: Text | None = None
    flops_precision: Literal["bf16", "fp8", "fp4"] | None = None
    loss: Text | None = None
    memory_counter: Literal["allocated", "reserved"] | None = None
    baseline: Text | None = None
    baselines: tuple[str, ...] = ()
    software: Text | None = None


class PublishedFigure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published figure: ``value`` in the SI unit of its ``quantity``.

    ``printed`` is the source's own writing where that says more than the value (GB or GiB, a
    range); ``settings`` adds to what the source says of all its figures.
    """

    claim: Text
    quantity: Quantity
    value: Annotated[float, msgspec.Meta(gt=0)] | None = None
    bound: Literal["exactly", "up to", "at least", "about"] = "exactly"
    printed: str = ""
    note: str = ""
    slower: tuple[str, ...] = ()  #: for ``faster_card``: profiles of the card that is slower
    #: For ``faster_card``: the method as software of the source's date ran it, with more for the
    #: host to do; its reference is the method as it runs today.
    older_method: str | None = None
    settings: Settings = Settings()

    def __post_init__(self) -> None:
        if (self.value is None) != (self.quantity in STATEMENTS):
            raise ValueError(f"quantity {self.quantity!r} has {self._wanted()}")
        if bool(self.slower) != (self.quantity == "faster_card"):
            raise ValueError("slower is for quantity = 'faster_card', and needed there")
        if self.older_method is not None and self.quantity != "faster_card":
            raise ValueError("older_method is for quantity = 'faster_card'")
        if self.quantity == "memory_saved_share" and (self.value or 0) >= 1:
            raise ValueError("memory_saved_share is a share: 0.8 for 80 %")

    def _wanted(self) -> str:
        return "no value" if self.quantity in STATEMENTS else "a value"


class Reference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source and its figures; the ``settings`` are those of all of them.

    ``quote`` is what it says, word for word.
    """

    name: str
    title: Text
    publisher: Text
    url: Annotated[str, msgspec.Meta(pattern=r"^https://[^\s\"<>]+$")]
    figures: tuple[PublishedFigure, ...]
    date: Annotated[str, msgspec.Meta(pattern=r"^\d{4}(-\d{2}){0,2}$")] | None = None
    note: str = ""
    quote: str = ""
    settings: Settings = Settings()


class PublishedModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shapes of a model that sources measured and the catalog does not have."""

    name: str
    title: Text
    source: Text
    architecture: Architecture


def names() -> list[str]:
    """Return the names of all sources."""
    return toml.names(FOLDER)


def load(name: str) -> Reference:
    """Return one source; raises BadInput, with file and key, for a bad file or unknown name."""
    if name not in names():
        raise BadInput(f"unknown reference {name!r}", hint=did_you_mean(name, names()))
    return read(FOLDER / f"{name}.toml")


def read(file: Path) -> Reference:
    """Read one source's file; each figure's settings are whole in what comes back."""
    source = toml.read(file, Reference)
    whole = []
    for number, figure in enumerate(source.figures):
        settings = _merged(source.settings, figure.settings)
        at = f"{file}: key 'figures[{number}]."
        _refuse_unknown_names(f"{at}settings.", settings)
        _refuse_unknown(f"{at}slower'", figure.slower, profiles.names())
        if figure.older_method is not None:
            _refuse_unknown(f"{at}older_method'", (figure.older_method,), methods.names())
            if methods.load(figure.older_method).experts != "loop":
                raise BadInput(f"{at}older_method': its experts do not run one by one")
        if figure.quantity in RATIOS and settings.baseline is None and settings.baselines:
            raise BadInput(f"{at}settings.baseline': needed beside baselines, in words")
        whole.append(msgspec.structs.replace(figure, settings=settings))
    return msgspec.structs.replace(source, figures=tuple(whole), settings=Settings())


def everything() -> tuple[Reference, ...]:
    """Return all sources, by title, without those that are bad or name what is; each is named."""
    return _everything((FOLDER, profiles.FOLDER, models.FOLDER, methods.FOLDER, ARCHITECTURES))


@cache
def _everything(folders: tuple[Path, ...]) -> tuple[Reference, ...]:
    return tuple(sorted(toml.every(names(), _usable), key=lambda each: each.title.lower()))


def _usable(name: str) -> Reference:
    """Return one source; raises BadInput where it, or a catalog file that it names, is bad."""
    source = load(name)
    for figure in source.figures:
        settings = figure.settings
        for profile in (*settings.profiles, *figure.slower):
            profiles.load(profile)
        for model in settings.models:
            architecture(model)
        for method in filter(None, (*settings.methods, *settings.baselines, figure.older_method)):
            reference = methods.load(method).reference
            if reference is not None and method == figure.older_method:
                methods.load(reference)
    return source


def model_names() -> list[str]:
    """Return every model that a figure may name: the catalog's and the sources' own."""
    return [*models.names(), *toml.names(ARCHITECTURES)]


@cache
def architecture(name: str) -> Architecture:
    """Return the shapes of one of ``model_names``."""
    if name in models.names():
        return models.load(name).architecture
    return toml.load(ARCHITECTURES, name, PublishedModel, noun="model").architecture


def _merged(common: Settings, own: Settings) -> Settings:
    changes = {
        field: value
        for field in own.__struct_fields__
        if (value := getattr(own, field)) not in (None, ())
    }
    return msgspec.structs.replace(common, **changes)


def _refuse_unknown_names(at: str, settings: Settings) -> None:
    for field, given, known in (
        ("profiles", settings.profiles, profiles.names()),
        ("models", settings.models, model_names()),
        ("methods", settings.methods, methods.names()),
        ("baselines", settings.baselines, methods.names()),
    ):
        _refuse_unknown(f"{at}{field}'", given, known)


def _refuse_unknown(at: str, given: tuple[str, ...], known: list[str]) -> None:
    for name in given:
        if name not in known:
            raise BadInput(f"{at}: unknown name {name!r}", hint=did_you_mean(name, known))
