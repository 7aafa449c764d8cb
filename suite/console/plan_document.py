"""A plan as JSON: what ``tunebench plan --json`` prints, in SI units and US dollars."""

import math
from collections.abc import Sequence

import msgspec

from suite.catalog import prices
from suite.estimate import planner
from suite.estimate.interval import Interval
from suite.estimate.job import answer, buy_or_rent, counts
from suite.estimate.job.answer import JobAnswer
from suite.estimate.job.buy_or_rent import Terms
from suite.estimate.job.counts import CountAnswer
from suite.estimate.job.ratios import MethodRatio
from suite.estimate.planner import Entry
from suite.results.memory.fits_card import card_bytes


def document(
    answers: Sequence[JobAnswer], several: Sequence[CountAnswer], terms: Terms | None
) -> object:
    """Return the plan as JSON has it: each answer with its sentences, and each entry.

    ``several`` are the same GPUs' answers for several of them, where these were asked for.
    """
    known, job = prices.known(), answers[0].job
    return {
        "tokens_real": job.tokens,
        "epochs": job.epochs,
        "hours": answers[0].hours,
        "answers": [_json_answer(each, answers[0], terms, known) for each in answers],
        "several_gpus": [_json_several(each, known) for each in several],
        "entries": [
            _json(entry, each, known) | {"times_as_long": _ratio(entry, each.ranked)}
            for number, each in enumerate(answers)
            for entry in (several[number].entries if several else each.entries)
        ],
    }


def _json_several(found: CountAnswer, known: prices.Prices) -> dict[str, object]:
    """Return which number of GPUs is cheapest and fastest; see ``job.counts`` for the factors."""
    profile = found.entries[0].profile.name
    return {
        "profile": profile,
        "text": " ".join(counts.sentences(found, known.of(profile))),
        "options": [
            {
                "gpus": option.entry.gpus,
                "method": option.entry.case.method.name,
                "basis": option.entry.basis,
                "times_as_dear": _interval(option.dearer_than(found.options[0])),
                "times_as_fast": _interval(option.faster_than(found.options[0])),
            }
            for option in found.options
        ],
    }


def _json_answer(
    found: JobAnswer, owned: JobAnswer, terms: Terms | None, known: prices.Prices
) -> dict[str, object]:
    """Return the answer for a GPU; ``break_even`` is of owning the first against renting this."""
    pays = None if terms is None else buy_or_rent.break_even(owned, found, terms, known)
    return {
        "profile": found.entries[0].profile.name,
        "model": found.entries[0].case.model.name,
        "text": " ".join(answer.sentences(found)),
        "not_told_apart": [entry.case.method.name for entry in found.level],
        "seconds": _interval(found.seconds),
        "tokens_in_hours": _interval(found.tokens),
        "break_even": None
        if pays is None
        else {
            "own_usd": _interval(pays.own_usd),
            "rent_usd": _interval(pays.rent_usd),
            # JSON has no infinity: null is never.
            "jobs": {
                name: None if math.isinf(jobs) else jobs
                for name, jobs in (("value", pays.jobs), ("low", pays.low), ("high", pays.high))
            },
        },
    }


def _ratio(entry: Entry, ranked: Sequence[MethodRatio]) -> object:
    """Return the time over that of the quickest method on the GPU, with what it says."""
    found = next((each for each in ranked if each.entry is entry), None)
    if found is None or found.longer is None:
        return None
    return {
        "method": ranked[0].entry.case.method.name,
        "value": found.longer.value,
        "low": found.longer.low,
        "high": found.longer.high,
        "told_apart": found.told_apart,
    }


def _json(entry: Entry, found_for: JobAnswer, known: prices.Prices) -> dict[str, object]:
    job = found_for.job
    rate, each = entry.tokens_per_second, entry.joules_per_token
    seconds = None if rate is None else job.time(rate)
    joules = None if each is None else job.energy(each)
    found = known.of(entry.profile.name)
    rent = None if seconds is None else planner.rent(seconds, found, entry.gpus)
    own = None
    if seconds is not None:
        own = planner.own(seconds, joules, found, known.own, entry.gpus)
    return {
        "profile": entry.profile.name,
        "profile_verified": entry.profile.verified,
        "model": entry.case.model.name,
        "method": entry.case.method.name,
        "gpus": entry.gpus,
        "parallel": entry.case.parallel and entry.case.parallel.kind,
        "basis": entry.basis,
        "fits": entry.verdict,
        "launches": entry.launches,
        "tokens_real_per_second": _interval(rate),
        "seconds": _interval(seconds),
        "needs_bytes": _interval(entry.needs_bytes),
        "gpu_bytes": card_bytes(entry.profile),
        "overnight": None
        if seconds is None
        else planner.overnight(seconds, found_for.hours * 3600),
        "gpu_joules": _interval(joules),
        "rent_usd": _interval(rent),
        "own_usd": _interval(own),
        "purchase_usd": prices.purchases(found) or None,
        "step_parts_seconds": msgspec.to_builtins(entry.projection.parts)
        if entry.projection is not None and entry.basis != "measured"
        else None,
        "step_host": entry.projection.host
        if entry.projection is not None and entry.basis != "measured"
        else None,
        "reason": entry.reason or None,
        "records": [record.record_id for record in entry.records],
    }


def _interval(found: Interval | None) -> object:
    return None if found is None else msgspec.to_builtins(found)
