"""What of a case decides its activations: which kind of step it is, and how many bytes it moves.

A transformer layer is recomputed in the backward pass (gradient checkpointing), so the peak holds
one hidden state a layer, and all that one layer makes. Sizes here are in bytes and are what the
shapes give; ``suite.estimate.activations`` fits how many times they are held.
"""

from typing import Literal

import msgspec

from suite.catalog.case import Case
from suite.catalog.engines import ENGINES
from suite.catalog.loops import LOOPS
from suite.estimate import storage
from suite.results.record import Record

#: Tensors that the backward pass of a layer holds: of the width of the feed-forward (gate, up,
#: their product, and the gradient of each), and of that of attention.
FEED_FORWARD_TENSORS, ATTENTION_TENSORS = 6, 4
#: Unfused loss: logits as float32, their gradient, and both once more as bfloat16.
LOGITS_BYTES = 4 + 4 + 2 + 2
#: Attention that writes out its scores: bfloat16, the softmax as float32, and gradients of both.
SCORES_BYTES = 2 + 4 + 2 + 4
#: Rows of different lengths: transformers' masks and their copies, for a pair of positions.
MASK_BYTES = 8

Loss = Literal["fused", "liger", "whole"]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What two cases have in common whose activations grow alike with their shapes.

    ``trains`` is "all" without an adapter. ``loss`` "whole" holds the logits of a batch at once.
    """

    engine: str
    trains: Literal["adapters", "all"]
    adapter_bits: int
    loss: Loss
    packing: bool
    experts: bool
    checkpointing: str
    dropout: bool = False
    dora: bool = False


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One forward and backward pass in bytes, beside what is kept between steps.

    ``checkpoints`` are the hidden states kept on the device, ``layer`` what one layer makes,
    ``logits`` those of an unfused loss, ``scores`` those of attention that writes them out,
    ``unpacked`` the experts of a layer out of 4 bits, ``hidden`` one hidden state, ``embedding``
    its table. ``tokens`` a pass computes.
    """

    kind: Kind
    tokens: int
    checkpoints: int
    layer: int
    logits: int
    scores: int
    mask: int
    unpacked: int
    hidden: int
    embedding: int
    gradients: int
    tied: bool


def kind(case: Case) -> Kind:
    """Return what decides how often each size is held."""
    method, engine = case.method, ENGINES[case.method.engine]
    fused = engine.fused_loss or (LOOPS[case.loop].fused_loss and method.fused_loss)
    narrow = method.quantization is not None and not engine.wide_adapters
    return Kind(
        engine=method.engine,
        trains="all" if method.adapter is None else "adapters",
        adapter_bits=16 if method.adapter is None or narrow else 32,
        loss="liger" if method.liger else "fused" if fused else "whole",
        packing=case.workload.packing != "none",
        experts=case.model.architecture.experts is not None,
        checkpointing=method.gradient_checkpointing,
        dropout=method.adapter is not None and method.adapter.dropout > 0,
        dora=method.adapter is not None and method.adapter.use_dora,
    )


def work(case: Case, tokens: int | None = None) -> Work:
    """Return the sizes of a case's pass.

    ``tokens`` is how many positions the largest batch had, where that is known; else every row is
    taken as long as it may be.
    """
    method, shape, load = case.method, case.model.architecture, case.workload
    found = kind(case)
    rows, longest = load.batch_sequences, load.sequence_tokens
    tokens = rows * longest if tokens is None else tokens
    if load.packing == "padding-free":  # one row of them all
        rows, longest = 1, tokens
    width = shape.attention_heads * shape.head_size
    attention = shape.hidden_size + width + 2 * shape.key_value_heads * shape.head_size
    experts = shape.experts
    inner = shape.intermediate_size or 0
    if experts is not None:
        inner = experts.active * experts.intermediate_size
    per_token = 2 * (FEED_FORWARD_TENSORS * inner + ATTENTION_TENSORS * attention)
    kept = shape.layers * shape.hidden_size * 2
    if method.gradient_checkpointing == "none":
        kept = shape.layers * per_token
    elif method.gradient_checkpointing == "unsloth" and method.adapter is not None:
        kept = 0  # on the host
    pairs = rows * longest**2
    masks = ENGINES[method.engine].attention_masks
    unpacked = 0
    if experts is not None and method.quantization is not None:
        unpacked = 3 * 2 * experts.count * experts.intermediate_size * shape.hidden_size
    return Work(
        kind=found,
        tokens=tokens,
        checkpoints=kept * tokens,
        layer=per_token * tokens,
        logits=LOGITS_BYTES * shape.vocabulary_size * tokens if found.loss == "whole" else 0,
        scores=SCORES_BYTES * shape.attention_heads * pairs if method.attention == "eager" else 0,
        mask=MASK_BYTES * pairs if load.data != "fixed" and masks else 0,
        unpacked=unpacked,
        hidden=2 * shape.hidden_size * tokens,
        embedding=2 * shape.vocabulary_size * shape.hidden_size,
        gradients=storage.trained_bytes(case.model, method),
        tied=shape.tied_embeddings,
    )


def measured(record: Record) -> Work:
    """Return the sizes of a record's largest batch."""
    steps = [step.tokens_padded for step in record.steps]
    parts = record.case.workload.gradient_accumulation
    # Of several accumulated batches only the sum is known; they are taken as alike.
    return work(record.case, -(-max(steps) // parts) if steps else None)
