"""Truth checks of a case on several ranks: did they train one model, together, on unlike rows?"""

import math
from collections.abc import Sequence

from suite import units
from suite.catalog import parameters
from suite.catalog.case import Case
from suite.results.record import Check, Rank
from suite.wire import Effective

#: Ranks that hold whole weights take the same step with the same bits. A norm that each computes
#: for itself, of what all of them have, differs by rounding at most.
NORMS_APART = 1e-5
#: Of the whole model, beside a fair part: small weights that every rank keeps, and padding.
SHARE_APART = 0.02


def check(case: Case, ranks: Sequence[Rank]) -> tuple[Check, ...]:
    """Return every truth check of the ranks of one case, in a fixed order."""
    return (
        _same_model(case, ranks),
        _other_rows(ranks),
        _averaged(case, ranks),
        _sharded(case, ranks),
    )


def check_split(case: Case, effective: Effective | None) -> Check:
    """Return whether a model that was to be split over GPUs lies on all of them."""
    name = "weights on every GPU"
    found = None if effective is None else effective.others.get("devices_with_weights")
    if found is None:
        return Check(name=name, status="unknown", detail="the case ended before that was read")
    return _verdict(name, found == case.gpus, f"{found} of {case.gpus} GPUs have weights")


def _same_model(case: Case, ranks: Sequence[Rank]) -> Check:
    name, expected = "ranks train the same", parameters.expected_trainable(case.model, case.method)
    found = [None if rank.ready is None else rank.ready.trainable_parameters for rank in ranks]
    if None in found:
        return Check(name=name, status="unknown", detail="not every rank said what it trains")
    good = set(found) == {expected}
    words = f"{units.counted(len(ranks), 'rank')} train {units.count(expected)} parameters"
    odd = ", ".join(map(str, found))
    return _verdict(name, good, words if good else f"{odd}, but {expected} expected")


def _other_rows(ranks: Sequence[Rank]) -> Check:
    name = "ranks have rows of their own"
    rows = [set(rank.ready.first_rows) for rank in ranks if rank.ready is not None]
    if len(rows) < len(ranks) or not all(rows):
        return Check(name=name, status="unknown", detail="not every rank said what it got")
    total, distinct = sum(map(len, rows)), len(set().union(*rows))
    if total == distinct:
        return _verdict(name, True, f"{distinct} rows in the first step, none of them twice")
    return _verdict(name, False, f"{total - distinct} of {total} rows went to several ranks")


def _averaged(case: Case, ranks: Sequence[Rank]) -> Check:
    """Return whether all ranks took the same steps, though from losses of their own."""
    name = "gradients are averaged"
    steps = list(zip(*(rank.steps for rank in ranks), strict=False))
    norms = [[step.gradient_norm for step in together] for together in steps]
    known = [[norm for norm in each if norm is not None] for each in norms]
    if not known or any(len(each) < len(ranks) for each in known):
        return Check(name=name, status="unknown", detail="not every rank said its gradient norm")
    apart = max((max(each) - min(each)) / max(max(each), 1e-30) for each in known)
    if apart > NORMS_APART:
        detail = f"gradient norms of ranks differ by up to {units.percent(apart)}"
        return _verdict(name, False, detail)
    if case.parallel is not None and case.parallel.kind == "ddp":
        # FSDP2 hands losses on in bfloat16, in which those of unlike rows can well be the same.
        if all(len({step.loss for step in together}) == 1 for together in steps):
            return _verdict(name, False, "all ranks have the same losses: they saw the same rows")
        sums = [None if rank.done is None else rank.done.trained_sum for rank in ranks]
        first = sums[0]
        if first is None or any(other is None for other in sums):
            return Check(name=name, status="unknown", detail="not every rank came to its end")
        if not all(other is not None and math.isclose(first, other) for other in sums):
            return _verdict(name, False, "trained weights differ between ranks at the end")
    return _verdict(name, True, f"one gradient norm in each of {len(steps)} steps")


def _sharded(case: Case, ranks: Sequence[Rank]) -> Check:
    name = "weights of each rank"
    sizes = [(rank.ready.weights_bytes, rank.ready.whole_bytes) for rank in ranks if rank.ready]
    if len(sizes) < len(ranks):
        return Check(name=name, status="unknown", detail="not every rank said what it has")
    shares = [held / whole if whole else 1.0 for held, whole in sizes]
    text = f"ranks have {', '.join(map(units.percent, shares))} of the weights"
    fair = 1 / len(ranks) if case.parallel and case.parallel.kind == "fsdp2" else 1.0
    if all(abs(share - fair) <= SHARE_APART for share in shares):
        return _verdict(name, True, text)
    why = (
        "; 4-bit weights in packed bytes (bnb_4bit_quant_storage = uint8) are not sharded"
        if fair < 1 and case.method.quantization is not None
        else ""
    )
    return _verdict(name, False, f"{text}, not {units.percent(fair)} each{why}")


def _verdict(name: str, good: bool, detail: str) -> Check:
    return Check(name=name, status="ok" if good else "failed", detail=detail)
