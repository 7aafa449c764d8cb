"""Every number of what strangers may send has bounds, and what we publish keeps them."""

from collections.abc import Iterator

import msgspec
import pytest
from msgspec import inspect

from suite.arguments import natural
from suite.catalog.bounds import MOST
from suite.results.fidelity import FidelityFile
from suite.results.plan import MOST_RECORDS, Plan
from suite.results.record import Record
from suite.results.scatter.noise import NoiseFile
from suite.wire import Step
from support import records

#: Bounded with the cases beside it, in ``Plan.__post_init__``.
TOGETHER = {"Plan.launches"}


def unbounded(kind: inspect.Type, where: str, seen: set[type]) -> Iterator[str]:
    """Yield every place below a type whose number has no least or no largest value."""
    match kind:
        case inspect.StructType():
            if kind.cls not in seen:
                seen.add(kind.cls)
                for field in kind.fields:
                    yield from unbounded(field.type, f"{kind.cls.__name__}.{field.name}", seen)
        case inspect.UnionType():
            for each in kind.types:
                yield from unbounded(each, where, seen)
        case inspect.VarTupleType() | inspect.ListType():
            yield from unbounded(kind.item_type, where, seen)
        case inspect.TupleType():
            for each in kind.item_types:
                yield from unbounded(each, where, seen)
        case inspect.DictType():
            yield from unbounded(kind.value_type, where, seen)
        case inspect.IntType() | inspect.FloatType():
            least = kind.ge if kind.ge is not None else kind.gt
            most = kind.le if kind.le is not None else kind.lt
            if least is None or most is None:
                yield where
        case inspect.AnyType() | inspect.RawType():
            yield f"{where}: anything"


@pytest.mark.parametrize("kind", [Record, Plan, FidelityFile, NoiseFile])
def test_every_number_has_bounds(kind: type) -> None:
    """A new field without them fails here, wherever it is nested."""
    found = set(unbounded(inspect.type_info(kind), kind.__name__, set()))
    assert found <= TOGETHER


@pytest.mark.parametrize("launches", [MOST_RECORDS + 1, 2**70])
def test_a_plan_without_cases_is_bounded_too(launches: int) -> None:
    """Nothing times a billion is nothing, but its launches are counted through."""
    with pytest.raises(ValueError, match="a session has 100,000 at most"):
        msgspec.structs.replace(records.plan(), cases=(), launches=launches)


def test_what_a_worker_can_measure_fits() -> None:
    """The largest loss of 32 bits is no reason to lose a record."""
    step = msgspec.structs.replace(records.steps()[0], loss=3.4028234663852886e38)
    assert msgspec.json.decode(msgspec.json.encode(step), type=Step) == step


def test_an_option_beyond_the_bounds_is_refused_at_once() -> None:
    """A seed that no record can hold must not cost a run."""
    assert natural(str(MOST)) == MOST
    with pytest.raises(Exception, match="must be at most"):
        natural(str(MOST + 1))
