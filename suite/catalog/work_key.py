"""The digest that says whether two cases are the same work.

Records are compared by it, so the key of a published case must never change. It hashes the fields
that version 1 knew whatever their value, and of fields that came later only those that are not at
their default: an older case did what the default says.
"""

import hashlib
from typing import Any

import msgspec

from suite.catalog.architecture import Architecture, Experts
from suite.catalog.method import Adapter
from suite.catalog.tier import Workload

#: The fields of version 1, in the order in which they are hashed. Never add one, and never move
#: one: that would give every case another key.
VERSION_1: dict[type, tuple[str, ...]] = {
    Architecture: (
        "hidden_size",
        "layers",
        "attention_heads",
        "key_value_heads",
        "head_size",
        "vocabulary_size",
        "max_positions",
        "rope_theta",
        "tied_embeddings",
        "intermediate_size",
        "experts",
        "sliding_window",
    ),
    Experts: ("count", "active", "intermediate_size"),
    Workload: (
        "sequence_tokens",
        "batch_sequences",
        "gradient_accumulation",
        "data",
        "packing",
    ),
    Adapter: ("rank", "alpha", "dropout", "targets"),
}


def work_key(
    architecture: Architecture, workload: Workload, adapter: Adapter | None, seed: int
) -> str:
    """Return the digest: 16 hexadecimal digits.

    Of the model's shapes, the workload, what is trained and the seed; not of the engine or the
    loop, whose effect is what gets compared.
    """
    parts = {
        "adapter": hashed(adapter),
        "architecture": hashed(architecture),
        "seed": seed,
        "workload": hashed(workload),
    }
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]


def hashed(value: Any) -> Any:
    """Return what counts of a value: a struct as a mapping of its fields, all else as it is."""
    if not isinstance(value, msgspec.Struct):
        return value
    first = next((names for kind, names in VERSION_1.items() if isinstance(value, kind)), ())
    later = sorted(
        field.name
        for field in msgspec.structs.fields(value)
        if field.name not in first and getattr(value, field.name) != _default(field)
    )
    return {name: hashed(getattr(value, name)) for name in (*first, *later)}


def _default(field: msgspec.structs.FieldInfo) -> object:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()
