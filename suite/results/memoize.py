"""What is computed from an object that does not change, once: several pages ask for it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

Compute = TypeVar("Compute", bound=Callable[..., Any])

_VALUES = "_values_of_once"  #: where they lie in an object's ``__dict__``


def once(compute: Compute) -> Compute:
    """Keep what the function returns with its first argument, for each of the other arguments.

    The first is an object with a ``__dict__`` (a struct with ``dict=True``: a record, replicates,
    a dataset), whose copies have no values yet; the others are given by place and can be hashed.
    The function itself is the key: it needs no name, and a forked process has the same.
    """

    # Called for each record and metric of every page: each word of this costs.
    @wraps(compute)
    def kept(owner: object, *others: object) -> object:
        attributes = owner.__dict__
        if _VALUES not in attributes:
            attributes[_VALUES] = {}
        values = attributes[_VALUES]
        key = (kept, *others) if others else kept
        if key not in values:
            values[key] = compute(owner, *others)
        return values[key]

    return cast(Compute, kept)


def keep(compute: Callable[..., object], owner: object, value: object) -> None:
    """Have ``compute(owner)``, which is a ``once``, return a value that was computed elsewhere."""
    vars(owner).setdefault(_VALUES, {})[compute] = value
