"""Could a published figure be true? The arithmetic it implies, against the card's peak.

The suite's own count of operations (``suite.catalog.flops``), of what the source states and no
more: a length or rank that it does not state adds nothing, so the rate is the least that the
figure implies. Over the peak it is impossible as printed; below, it is merely possible.
"""

from typing import Literal

import msgspec

from reports.published.sources import PublishedFigure, Settings, architecture
from suite import units
from suite.catalog import profile as profiles
from suite.catalog.flops import step_flops
from suite.catalog.method import Adapter

Plausibility = Literal["impossible", "possible", "unchecked"]


class PlausibilityCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it, in words; rate and peak in FLOP/s of one GPU where they are known."""

    kind: Plausibility
    text: str
    flops_per_second: float | None = None
    peak_flops: float | None = None


def check(figure: PublishedFigure) -> PlausibilityCheck | None:
    """Return the check of a figure, or None for a quantity that implies no arithmetic."""
    rates = ("tokens_per_second", "step_seconds", "model_flops_per_second")
    if figure.quantity not in rates or figure.value is None:
        return None
    settings = figure.settings
    if lacking := _lacking(figure):
        return PlausibilityCheck(kind="unchecked", text=f"cannot be checked: {lacking}")
    peak = _peak(settings)
    assert peak is not None  # _lacking has asked
    rate, least = _rate(figure)
    share = rate / peak
    said = "implies at least" if least else "implies"
    if figure.quantity == "model_flops_per_second":
        said = "prints"
    amount, most = units.scaled(rate, "FLOP/s"), units.scaled(peak, "FLOP/s")
    text = f"{said} {amount}, {units.percent(share)} of the GPU's {most} in bfloat16"
    if _derived(settings, peak):
        text += " (derived, not printed by the vendor)"
    if settings.flops_precision is None:
        text += "; precision not stated"
    kind: Plausibility = "impossible" if share > 1 else "possible"
    return PlausibilityCheck(kind=kind, text=text, flops_per_second=rate, peak_flops=peak)


def flops_per_token(settings: Settings, name: str) -> float:
    """Return the operations of the model for one token, with no more than the source states.

    Only rows of one length attend over all of it: others are counted as if none attended.
    """
    length = (settings.sequence_tokens or 1) if settings.rows == "one length" else 1
    adapter = None
    if settings.trains != "everything":
        # Without a rank, or with adapters on some layers only, the smallest adapters stand in.
        rank = (settings.rank or 1) if settings.targets == "all linear" else 1
        adapter = Adapter(rank=rank, alpha=1.0, dropout=0.0, targets="linear")
    flops = step_flops(architecture(name), adapter, [length], recomputes=False)
    return flops.model / length


def _lacking(figure: PublishedFigure) -> str:
    settings = figure.settings
    if settings.flops_precision in ("fp8", "fp4"):
        return f"computed in {settings.flops_precision.upper()}, whose peak no profile has"
    if settings.hardware is None and not settings.profiles:
        return "GPU not stated"
    if not settings.profiles:
        return f"no profile of {settings.hardware}"
    if _peak(settings) is None:
        return "no known bfloat16 peak of the GPU"
    if figure.quantity == "model_flops_per_second":
        return ""
    if settings.trains is None:
        return "what is trained is not stated"
    if not settings.models:
        return "model not stated" if settings.model is None else f"no shapes of {settings.model}"
    if figure.quantity == "step_seconds":
        if settings.gpus != 1:
            return "GPUs not stated" if settings.gpus is None else "a step of several GPUs"
        for name, value in (
            ("length", settings.sequence_tokens),
            ("batch", settings.batch_sequences),
            ("accumulation", settings.gradient_accumulation),
        ):
            if value is None:
                return f"{name} not stated"
        if settings.rows not in ("one length", "packed"):
            return "how many tokens a row really has is not stated"
    return ""


def _peak(settings: Settings) -> float | None:
    """Return the highest peak of the cards that could be meant; None where one is unknown."""
    found = [profiles.load(name).facts.value("bf16_flops") for name in settings.profiles]
    known = [peak for peak in found if peak is not None]
    return max(known) if found and len(known) == len(found) else None


def _derived(settings: Settings, peak: float) -> bool:
    facts = [profiles.load(name).facts.bf16_flops for name in settings.profiles]
    return any(fact is not None and fact.value == peak and fact.derived for fact in facts)


def _rate(figure: PublishedFigure) -> tuple[float, bool]:
    """Return the rate in FLOP/s, and whether something not stated was left out of it."""
    settings, value = figure.settings, figure.value or 0.0
    if figure.quantity == "model_flops_per_second":
        return value, False
    # Several models could be meant: the cheapest implies the least.
    each = min(flops_per_token(settings, name) for name in settings.models)
    least = len(settings.models) > 1 or settings.rows != "one length"
    least |= settings.trains == "adapters" and (
        settings.rank is None or settings.targets != "all linear"
    )
    if figure.quantity == "tokens_per_second":
        return value * each, least
    tokens = (
        (settings.sequence_tokens or 0)
        * (settings.batch_sequences or 0)
        * (settings.gradient_accumulation or 0)
    )
    return tokens * each / value, least
