"""What else than the change is another on the two sides: card, driver, power limit, tokens.

A ratio of step times is then of more than one thing, so a gate refuses to answer it. Launches that
did not settle say little of a time either.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from suite.results.comparison.report import Unlike, named
from suite.results.comparison.side import Allowed, Side
from suite.results.record import Gpu, Record
from suite.results.validity.settled import settled
from suite.units import counted

#: Of the repeats of a side. On hosts that others use one in four did not settle.
MOST_MOVING = 0.5


def unlike(sides: Sequence[Side], allow: Sequence[Allowed]) -> tuple[Unlike, ...]:
    """Return what is unlike, one entry for each sentence with the cases that it is true of."""
    found: dict[tuple[Allowed, str], list[str]] = {}
    for (_, case_id), before, after in sides:
        for name, text in _of_case(before, after):
            found.setdefault((name, text), []).append(case_id)
    return tuple(
        Unlike(name=name, text=f"{text} ({_cases(case_ids, len(sides))})", allowed=name in allow)
        for (name, text), case_ids in found.items()
    )


def _cases(case_ids: Sequence[str], total: int) -> str:
    if len(case_ids) == total and total > 1:
        return "all cases"
    return named(case_ids)


def _of_case(before: Sequence[Record], after: Sequence[Record]) -> Iterator[tuple[Allowed, str]]:
    facts: tuple[tuple[Allowed, str, Callable[[Gpu], object]], ...] = (
        ("gpu", "another physical GPU", lambda gpu: gpu.uuid_hash),
        ("driver", "another GPU driver", lambda gpu: gpu.driver),
        ("power", "another power limit", lambda gpu: _watts(gpu.power_limit_watts)),
    )
    for name, title, of in facts:
        ours, theirs = (
            dict.fromkeys(tuple(map(of, gpus)) for each in side if (gpus := each.gpus))
            for side in (before, after)
        )
        if len({**ours, **theirs}) > 1:
            said = f"{_said(ours)} in the base, {_said(theirs)} in the candidate"
            yield name, f"{title}: {said}"
    if step := _other_tokens(before, after):
        yield "tokens", f"another number of tokens without padding, first at step {step}"
    for name_of, side in (("base", before), ("candidate", after)):
        moving = [record for record in side if settled(record).settled is False]
        if len(moving) > MOST_MOVING * len(side):
            text = f"{len(moving)} of {counted(len(side), 'repeat')} of the {name_of}"
            yield "settling", f"{text} did not settle"


def _watts(value: float | None) -> str | None:
    return None if value is None else f"{value:g} W"


def _said(values: Iterable[tuple[object, ...]]) -> str:
    """Return what the GPUs of each repeat were, each once where they are alike."""
    texts = (dict.fromkeys("unknown" if v is None else str(v) for v in each) for each in values)
    return " and ".join(dict.fromkeys(" + ".join(each) for each in texts))


def _other_tokens(before: Sequence[Record], after: Sequence[Record]) -> int | None:
    """Return the first step, from 1 on, in which a repeat trained on other numbers of tokens."""
    numbers: dict[int, int] = {}
    for record in (*before, *after):
        for step in record.steps:
            if numbers.setdefault(step.index, step.tokens_real) != step.tokens_real:
                return step.index + 1
    return None
