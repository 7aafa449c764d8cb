"""Exact parameter counts from an architecture's shapes: no torch, no weights, no download.

Names and shapes are those of transformers 5 (a mixture-of-experts layer keeps its experts in
fused three-dimensional parameters). A test builds every model on the meta device and compares.
"""

import math
from collections.abc import Iterator, Mapping

from suite.catalog import families, targets
from suite.catalog.method import Adapter, Method
from suite.catalog.model import Model
from suite.catalog.targets import Shape


def shapes(model: Model) -> dict[str, Shape]:
    """Return every parameter's name and shape, tied weights once, in the model's order."""
    (embedding, *rest), layer = _outside(model).items(), _layer(model)
    found: dict[str, Shape] = dict([embedding])
    for number in range(model.architecture.layers):
        found |= {f"model.layers.{number}.{name}": shape for name, shape in layer.items()}
    return found | dict(rest)


def total_parameters(model: Model) -> int:
    """Return the number of parameters, tied weights counted once."""
    each = sum(math.prod(shape) for shape in _layer(model).values())
    outside = sum(math.prod(shape) for shape in _outside(model).values())
    return model.architecture.layers * each + outside


def quantizable_parameters(model: Model) -> int:
    """Return how many parameters a 4-bit scheme stores in 4 bits.

    All matrices of attention and feed-forward, experts included; not embeddings, output layer,
    router, norms, biases and attention sinks.
    """
    return sum(count * elements for count, elements in quantizable_matrices(model))


def quantizable_matrices(model: Model) -> Iterator[tuple[int, int]]:
    """Yield the matrices that a 4-bit scheme stores in 4 bits, as how many, of how many elements.

    Every expert has its own.
    """
    layers = model.architecture.layers
    for shape in targets.linear(model.architecture).values():
        yield layers, math.prod(shape)
    for experts, *matrix in targets.experts(model.architecture).values():
        yield layers * experts, math.prod(matrix)


def norm_parameters(model: Model) -> int:
    """Return how many parameters belong to normalization."""
    each = sum(math.prod(shape) for name, shape in _layer(model).items() if "norm." in name)
    return model.architecture.layers * each + model.architecture.hidden_size


def adapter_targets(model: Model, adapter: Adapter) -> tuple[str, ...]:
    """Return the projections of one layer that get an adapter, as their last name part.

    Targets inside experts are not repeated for each expert.
    """
    adapted = targets.adapted(model.architecture, adapter.targets)
    return tuple(name.rpartition(".")[2] for name in adapted)


def expected_trainable(model: Model, method: Method) -> int:
    """Return how many parameters a method trains: all without an adapter, else the adapters'."""
    return sum(count * elements for count, elements in trained_tensors(model, method))


def trained_tensors(model: Model, method: Method) -> Iterator[tuple[int, int]]:
    """Yield the tensors that a method trains, as how many, of how many elements.

    A LoRA of rank r on a matrix of shape (out, in) has r * in and r * out parameters, and out more
    with DoRA; on a stack of experts every expert has its own, in one tensor.
    """
    layers, adapter = model.architecture.layers, method.adapter
    if adapter is None:
        yield from ((layers, math.prod(shape)) for shape in _layer(model).values())
        yield from ((1, math.prod(shape)) for shape in _outside(model).values())
        return
    for shape in targets.adapted(model.architecture, adapter.targets).values():
        stacked = math.prod(shape[:-2])
        yield from ((layers, stacked * adapter.rank * side) for side in shape[-2:])
        if adapter.use_dora:
            yield layers, stacked * shape[-2]


def _outside(model: Model) -> dict[str, Shape]:
    """Return the parameters that belong to no layer, the embedding first."""
    hidden, vocabulary = model.architecture.hidden_size, model.architecture.vocabulary_size
    found: dict[str, Shape] = {
        "model.embed_tokens.weight": (vocabulary, hidden),
        "model.norm.weight": (hidden,),
    }
    if not model.architecture.tied_embeddings:
        found["lm_head.weight"] = (vocabulary, hidden)
    return found


def _layer(model: Model) -> Mapping[str, Shape]:
    """Return all parameters of one layer."""
    return families.of(model.family).layer(model.architecture)
