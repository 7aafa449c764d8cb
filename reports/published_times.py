"""Published rates against projected ones, and what sources say of one card against another."""

from collections.abc import Sequence

import msgspec

from reports import references
from reports.blocks import Row
from reports.references import Figure
from suite import units
from suite.catalog import case as cases
from suite.catalog import method as methods
from suite.catalog import model as models
from suite.catalog import profile as profiles
from suite.catalog import tier
from suite.catalog.case import Case
from suite.catalog.model import Model
from suite.catalog.parameters import total_parameters
from suite.catalog.profile import Profile
from suite.catalog.tier import Workload
from suite.estimate import why
from suite.estimate.between import Between
from suite.estimate.project import Projector

INSIDE = "within the interval"
_TIMES = ("tokens_per_second", "step_seconds")


class Faster(msgspec.Struct, frozen=True, kw_only=True):
    """A source says that with these cases one card is faster than another."""

    source: str
    text: str
    faster: Profile
    slower: Profile
    cases: tuple[Case, ...]


def faster_cards() -> list[Faster]:
    """Return every such statement; where no method is named, those of the standard tier."""
    found = []
    for source in references.everything():
        for figure in source.figures:
            if figure.quantity != "faster_card":
                continue
            settings = figure.settings
            wanted = cases.cases(
                tier.load("standard"),
                loop="sft",
                seed=0,
                model_names=[name for name in settings.models if name in models.names()],
                method_names=settings.methods,
            )
            runs = tuple(case for case in wanted if cases.unsupported_reason(case) is None)
            found += [
                Faster(
                    source=source.publisher,
                    text=figure.claim,
                    faster=profiles.load(ours),
                    slower=profiles.load(theirs),
                    cases=runs,
                )
                for ours in settings.profiles
                for theirs in figure.slower
            ]
    return found


def compare(projector: Projector) -> tuple[list[Row], list[Row]]:
    """Return a row for each published rate that can be compared, and why others cannot be."""
    rows, reasons = [], dict[str, int]()
    for source in references.everything():
        for figure in source.figures:
            if figure.quantity not in _TIMES:
                continue
            reason = _hindrance(figure)
            if not reason:
                case, card = _case(figure), profiles.load(figure.settings.profiles[0])
                reason = projector.lacks(case, card)
                if not reason:
                    rows.append(_row(figure, case, card, projector))
                    continue
            reasons[reason] = reasons.get(reason, 0) + 1
    counted = sorted(reasons.items(), key=lambda pair: -pair[1])
    return rows, [Row(cells=(reason, str(count))) for reason, count in counted]


def _hindrance(figure: Figure) -> str:
    """Return why a figure's settings are not those of a case, or an empty string."""
    s = figure.settings
    found = [
        (len(s.profiles) != 1, "which card it was is not known here"),
        (s.gpus not in (None, 1), "several GPUs shared the work"),
        (s.flops_precision not in (None, "bf16"), "products in less than 16 bits"),
        (len(s.models) != 1 or len(s.methods) != 1, "model or method is open"),
        (s.sequence_tokens is None, "the length of rows is not stated"),
        (s.batch_sequences is None, "the rows of a step are not stated"),
        (s.rows not in ("one length", "packed"), "rows may be padded, or it is not stated"),
    ]
    return next((reason for holds, reason in found if holds), "")


def _case(figure: Figure) -> Case:
    """Return the case that a figure with certain settings is nearest to."""
    s = figure.settings
    method = methods.load(s.methods[0])
    standard = tier.load("standard")
    assert s.sequence_tokens is not None
    assert s.batch_sequences is not None
    load = Workload(
        sequence_tokens=s.sequence_tokens,
        batch_sequences=s.batch_sequences,
        gradient_accumulation=s.gradient_accumulation or 1,
    )
    return cases.make(standard, _model(s.models[0]), method, load, None, "sft", 0)


def _model(name: str) -> Model:
    if name in models.names():
        return models.load(name)
    made = Model(
        name=name,
        title=name,
        family="qwen3",  # dense layers; norms of queries and keys are no matrix products
        source="reports/references/architectures",
        license="",
        parameters=1,
        architecture=references.architecture(name),
    )
    return msgspec.structs.replace(made, parameters=total_parameters(made))


def _row(figure: Figure, case: Case, card: Profile, projector: Projector) -> Row:
    load = case.workload
    tokens = load.sequence_tokens * load.batch_sequences * load.gradient_accumulation
    value = figure.value or 0.0
    rate = value if figure.quantity == "tokens_per_second" else tokens / value
    step = projector.project(case, card).seconds
    found = Between(value=tokens / step.value, low=tokens / step.high, high=tokens / step.low)
    verdict = INSIDE
    if not found.low <= rate <= found.high:
        verdict = f"outside: {units.ratio(rate / found.value)} the projected rate"
    cells: Sequence[str] = (
        figure.claim,
        card.title,
        case.method.title,
        units.rate(rate, "token/s"),
        why.interval(found, lambda each: units.rate(each, "token/s")),
        verdict,
        figure.settings.software or "not stated",
    )
    return Row(cells=tuple(cells))
