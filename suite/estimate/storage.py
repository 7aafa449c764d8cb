"""What is kept between steps, by formula from shapes: weights, state, gradients. No fit.

Records show the same bytes; a test compares every published one.
"""

from collections.abc import Iterator

from suite.catalog import families
from suite.catalog.case import Case
from suite.catalog.engines import ENGINES
from suite.catalog.method import Method
from suite.catalog.model import Model
from suite.catalog.optimizers import CODE_BYTES as STATE_CODE_BYTES
from suite.catalog.optimizers import LEAST_EIGHT_BIT, LEAST_PAGED, OPTIMIZERS, STATE_BLOCK
from suite.catalog.parameters import (
    expected_trainable,
    norm_parameters,
    quantizable_matrices,
    quantizable_parameters,
    total_parameters,
    trained_tensors,
)
from suite.results.memory.ledger import LedgerLine

#: bitsandbytes' NF4: elements that share a scale, and scales that share one of their own.
BLOCK, NESTED_BLOCK = 64, 256
#: Beside the scales of a matrix: 16 codes and, with double quantization, 256 codes and an offset.
CODE_BYTES, NESTED_BYTES = 16 * 4, 256 * 4 + 4


def lines(case: Case) -> list[LedgerLine]:
    """Return the exact lines of a case's ledger, in bytes; ``paged_bytes`` is in none of them."""
    model, method = case.model, case.method
    trained = trained_bytes(model, method)
    return [
        *(
            LedgerLine(part="frozen_weights", dtype=dtype, bytes=size)
            for dtype, size in sorted(frozen_bytes(model, method).items())
        ),
        LedgerLine(part="quantization_state", bytes=quantization_bytes(model, method)),
        LedgerLine(part="trained_weights", bytes=trained),
        LedgerLine(part="gradients", bytes=trained),
        LedgerLine(part="optimizer_state", bytes=optimizer_bytes(model, method)),
        LedgerLine(part="buffers", bytes=buffer_bytes(case)),
    ]


def buffer_bytes(case: Case) -> int:
    """Return the bytes of rotary frequencies: transformers keeps them in use, and as they were."""
    once = 2 * case.model.architecture.head_size
    if ENGINES[case.method.engine].rotary_copy or case.method.adapter is None:
        return 2 * once
    # Unsloth has its own attention for dense models under adapters, with one copy.
    return once if case.model.architecture.experts is None else 2 * once


def frozen_bytes(model: Model, method: Method) -> dict[str, int]:
    """Return the bytes of frozen weights by dtype name; none where all are trained."""
    if method.adapter is None:
        return {}
    quantized = 0 if method.quantization is None else quantizable_parameters(model)
    wide = _wide_norms(model, method)
    found = {
        "bfloat16": 2 * (total_parameters(model) - quantized - wide),
        "uint8": quantized // 2,
        "float32": 4 * wide,
    }
    return {dtype: size for dtype, size in found.items() if size}


def quantization_bytes(model: Model, method: Method) -> int:
    """Return the bytes of NF4's scales and codes."""
    if method.quantization is None:
        return 0
    double, total = method.quantization.double_quantization, 0
    for count, elements in quantizable_matrices(model):
        scales = -(-elements // BLOCK)
        nested = scales + 4 * -(-scales // NESTED_BLOCK) + NESTED_BYTES
        total += count * (CODE_BYTES + (nested if double else 4 * scales))
    return total


def trained_bytes(model: Model, method: Method) -> int:
    """Return the bytes of trained weights; their gradients take as many."""
    count = expected_trainable(model, method)
    if method.adapter is None:
        return 2 * count + 2 * _wide_norms(model, method)
    # TRL gives adapters on 4-bit weights bfloat16, as the QLoRA paper does; PEFT's are float32.
    narrow = method.quantization is not None and not ENGINES[method.engine].wide_adapters
    return (2 if narrow else 4) * count


def optimizer_bytes(model: Model, method: Method) -> int:
    """Return the bytes of the optimizer's state in torch's memory, all but what is paged."""
    kind = OPTIMIZERS[method.optimizer.name]
    if kind.bits is None:
        counters = 4 * sum(count for count, _ in trained_tensors(model, method))
        return kind.moments * trained_bytes(model, method) + counters
    total = codes = 0
    for count, elements, bits in _states(model, method):
        if bits == 8:
            total += count * kind.moments * 4 * -(-elements // STATE_BLOCK)
            codes = STATE_CODE_BYTES
        if not (kind.paged and elements >= LEAST_PAGED):
            total += count * kind.moments * elements * bits // 8
    return total + codes


def paged_bytes(model: Model, method: Method) -> int:
    """Return the bytes of the optimizer's state in CUDA managed memory, which torch never sees.

    On the card while there is room, else on the host.
    """
    kind = OPTIMIZERS[method.optimizer.name]
    if not kind.paged:
        return 0
    large = (each for each in _states(model, method) if each[1] >= LEAST_PAGED)
    return sum(count * kind.moments * elements * bits // 8 for count, elements, bits in large)


def _states(model: Model, method: Method) -> Iterator[tuple[int, int, int]]:
    """Yield what bitsandbytes keeps state for: how many tensors, elements of each, bits of each.

    transformers' Trainer gives embeddings 32 bits whatever is asked.
    """
    asked = OPTIMIZERS[method.optimizer.name].bits or 32
    embedding = model.architecture.vocabulary_size * model.architecture.hidden_size
    for count, elements in trained_tensors(model, method):
        wide = elements < LEAST_EIGHT_BIT or (method.adapter is None and elements == embedding)
        yield count, elements, 32 if wide else asked


def load_bytes(case: Case) -> int:
    """Return what loading needs: all weights, and one matrix before it is packed."""
    model, method = case.model, case.method
    if method.adapter is None:
        return 2 * total_parameters(model)
    largest = max(elements for _, elements in quantizable_matrices(model))
    kept = sum(frozen_bytes(model, method).values()) + quantization_bytes(model, method)
    return kept + (2 * largest if method.quantization else 0)


def _wide_norms(model: Model, method: Method) -> int:
    """Return how many parameters are float32: norms, where the engine widens them."""
    widened = method.adapter is None or families.of(model.family).unsloth_widens_norms
    return norm_parameters(model) if ENGINES[method.engine].wide_norms and widened else 0
