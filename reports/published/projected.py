"""Published rates against projected ones, and what sources say of one card against another."""

from collections.abc import Sequence

import msgspec

from reports.published import sources as references
from reports.published.sources import PublishedFigure
from reports.text.blocks import TextRow
from suite import units
from suite.catalog import case as cases
from suite.catalog import method as methods
from suite.catalog import model as models
from suite.catalog import profile as profiles
from suite.catalog import tier, toml
from suite.catalog.case import Case
from suite.catalog.model import Model
from suite.catalog.parameters import total_parameters
from suite.catalog.profile import Profile
from suite.catalog.tier import Tier, Workload
from suite.estimate import explain
from suite.estimate.interval import Interval
from suite.estimate.project import Projector

INSIDE, INSIDE_SECOND = "within the first", "within the second"
_TIMES = ("tokens_per_second", "step_seconds")


class FasterCardClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A source says that with these cases one card is faster than another."""

    source: str
    text: str
    faster: Profile
    slower: Profile
    cases: tuple[Case, ...]


def faster_cards() -> list[FasterCardClaim]:
    """Return every such statement; where no method is named, those of the standard tier.

    None where that tier's file is bad: it says how much work a case is.
    """
    standard, claims = tier.standard(), list[FasterCardClaim]()
    if standard is None:
        return claims
    for source in references.everything():
        for figure in source.figures:
            if figure.quantity != "faster_card":
                continue
            settings = figure.settings
            wanted = cases.cases(
                standard,
                loop="sft",
                seed=0,
                model_names=[name for name in settings.models if name in models.names()],
                method_names=settings.methods,
                lenient=True,
            )
            runs = tuple(case for case in wanted if cases.unsupported_reason(case) is None)
            claims += [
                FasterCardClaim(
                    source=source.publisher,
                    text=figure.claim,
                    faster=profiles.load(ours),
                    slower=profiles.load(theirs),
                    cases=runs,
                )
                for ours in settings.profiles
                for theirs in figure.slower
            ]
    return claims


def compare(projector: Projector) -> tuple[list[TextRow], list[TextRow]]:
    """Return a row for each published rate that can be compared, and why others cannot be."""
    rows, reasons = [], dict[str, int]()
    standard = tier.standard()
    for source in references.everything():
        for figure in source.figures:
            if figure.quantity not in _TIMES:
                continue
            reason = _hindrance(figure)
            if standard is None:
                reason = "the tier standard cannot be read"
            elif not reason:
                case, card = _case(figure, standard), profiles.load(figure.settings.profiles[0])
                reason = projector.lacks(case, card)
                if not reason:
                    rows.append(_row(figure, case, card, projector))
                    continue
            reasons[reason] = reasons.get(reason, 0) + 1
    counted = sorted(reasons.items(), key=lambda pair: -pair[1])
    return rows, [TextRow(cells=(reason, str(count))) for reason, count in counted]


def _hindrance(figure: PublishedFigure) -> str:
    """Return why a figure's settings are not those of a case, or an empty string."""
    s = figure.settings
    hindrances = [
        (len(s.profiles) != 1, "which GPU it was is not known here"),
        (s.gpus not in (None, 1), "several GPUs shared the workload"),
        (s.flops_precision not in (None, "bf16"), "products in less than 16 bits"),
        (len(s.models) != 1 or len(s.methods) != 1, "model or method is open"),
        (s.sequence_tokens is None, "the length of rows is not stated"),
        (s.batch_sequences is None, "the rows of a step are not stated"),
        (s.rows not in ("one length", "packed"), "rows may be padded, or it is not stated"),
    ]
    return next((reason for holds, reason in hindrances if holds), "")


def _case(figure: PublishedFigure, standard: Tier) -> Case:
    """Return the case that a figure with certain settings is nearest to."""
    s = figure.settings
    method = methods.load(s.methods[0])
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
    model = Model(
        name=name,
        title=name,
        family="qwen3",  # dense layers; norms of queries and keys are no matrix products
        source="reports/references/architectures",
        license="",
        parameters=1,
        architecture=references.architecture(name),
    )
    return msgspec.structs.replace(model, parameters=total_parameters(model))


def _row(figure: PublishedFigure, case: Case, card: Profile, projector: Projector) -> TextRow:
    value = figure.value or 0.0
    rate = value if figure.quantity == "tokens_per_second" else case.workload.step_tokens / value
    rate_interval, leanest = _rate(case, card, projector), _leanest(case, card, projector)
    if rate_interval.holds(rate):
        verdict = INSIDE
    elif leanest is not None and leanest.holds(rate):
        verdict = INSIDE_SECOND
    else:
        verdict = f"in neither: {units.about(rate / rate_interval.value)}× the first"
    cells: Sequence[str] = (
        figure.claim,
        explain.marked(card.title, card),
        case.method.title,
        figure.settings.software or "not stated",
        units.rate(rate, "token/s"),
        rate_interval.text("tokens/second"),
        "unknown" if leanest is None else leanest.text("tokens/second"),
        verdict,
    )
    return TextRow(cells=tuple(cells))


def _leanest(case: Case, card: Profile, projector: Projector) -> Interval | None:
    """Return the rate as Unsloth, were no layer recomputed; None where that cannot be told."""
    name = f"unsloth-{case.method.name}"
    known = toml.every([name], methods.load) if name in methods.names() else []
    if not known:
        return None
    lean = msgspec.structs.replace(known[0], gradient_checkpointing="none")
    wanted = msgspec.structs.replace(case, method=lean)
    return None if projector.lacks(wanted, card) else _rate(wanted, card, projector)


def _rate(case: Case, card: Profile, projector: Projector) -> Interval:
    """Return real tokens a second."""
    step, tokens = projector.project(case, card).seconds, case.workload.step_tokens
    return Interval(value=tokens / step.value, low=tokens / step.high, high=tokens / step.low)
