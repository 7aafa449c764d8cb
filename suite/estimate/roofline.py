"""What one optimizer step demands of a card, by part: operations, bytes and visits of the host.

From shapes alone. ``suite.estimate.step_time`` turns demands into seconds with rates of a card and
with efficiencies that are fitted on records. Counted are rows of one length; batches that differ
in length are refused, because each new shape costs engines more than its arithmetic.
"""

import math

import msgspec

from suite.catalog.architecture import Architecture
from suite.catalog.case import Case, unsupported_reason
from suite.catalog.engines import ENGINES
from suite.catalog.flops import attention_flops, step_flops
from suite.catalog.method import Method
from suite.catalog.optimizers import OPTIMIZERS
from suite.catalog.parameters import expected_trainable, quantizable_parameters
from suite.catalog.targets import PLACES, adapted

BFLOAT16, FLOAT32 = 2, 4  #: bytes
#: Bytes a weight for each use of an NF4 matrix: its code, and its bfloat16 copy written and read.
NF4_BYTES = 0.5 + 2 + 2
#: Bytes a weight for the length of its row in PEFT's DoRA: the weight and the adapter's product,
#: this in float32 and in bfloat16, their sum, and reading that.
DORA_BYTES = 2 + 2 * FLOAT32 + 2 * BFLOAT16 + 2 * FLOAT32
#: Backward passes move what a forward pass moves about twice: values and their gradients.
BACKWARD_PASSES = 2
#: Times that logits are written or read in float32, where the loss works on pieces, and where not.
LOGIT_BYTES, WHOLE_LOGIT_BYTES = 2 * FLOAT32, 5 * FLOAT32
#: Bytes a score where attention writes out its scores: bfloat16 and float32, written and read.
SCORE_BYTES = 2 * BFLOAT16 + 2 * FLOAT32
#: Kernels that the host starts for one expert beside those of its two matrices: choosing the
#: rows, the activation, weighing the result, adding it up.
EXPERT_KERNELS = 8


#: Rows of a step beyond this are no batch that anyone computes.
MOST_ROWS = 1 << 16


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """One step. ``attention_flops`` are not part of ``matmul_flops``.

    ``activation_bytes`` go between kernels, ``weight_bytes`` are read, unpacked or updated.
    ``layer_visits`` is how often the host runs through a layer, ``expert_kernels`` what it starts
    for single experts. ``offload_bytes`` go to host memory and come back.
    """

    matmul_flops: float
    attention_flops: float
    activation_bytes: float
    weight_bytes: float
    layer_visits: int
    expert_kernels: int
    offload_bytes: int

    @property
    def flops(self) -> float:
        """Return all operations."""
        return self.matmul_flops + self.attention_flops

    @property
    def traffic_bytes(self) -> float:
        """Return all bytes of the card's own memory."""
        return self.activation_bytes + self.weight_bytes


def refusal(case: Case) -> str:
    """Return why no demand can be counted for a case, or an empty string."""
    if reason := unsupported_reason(case):
        return reason
    if case.parallel is not None:
        return "several GPUs: the model is of one"
    if case.workload.data != "fixed":
        return "rows differ in length: the model is for fixed-length sequences"
    if case.workload.batch_sequences > MOST_ROWS:
        return f"more than {MOST_ROWS:,} rows a step"
    return ""


def demand(case: Case) -> Demand:
    """Return what one step of a case demands; the case is one without a ``refusal``."""
    method, shape, load = case.method, case.model.architecture, case.workload
    rows = [load.sequence_tokens] * load.batch_sequences
    parts, tokens = load.gradient_accumulation, sum(rows)
    recomputes = method.gradient_checkpointing != "none"
    count = step_flops(shape, method.adapter, rows, recomputes=recomputes)
    attention = attention_flops(shape, rows) * (3 + recomputes)
    visits = shape.layers * (2 + recomputes)
    passes = shape.layers * (1 + recomputes + BACKWARD_PASSES)
    activations = passes * _layer_bytes(shape, method, tokens)
    if method.attention == "eager":
        scores = shape.attention_heads * sum(row**2 for row in rows)
        activations += visits * SCORE_BYTES * scores
    activations += _logit_bytes(method) * tokens * shape.vocabulary_size
    offloads = method.gradient_checkpointing == "unsloth" and method.adapter is not None
    return Demand(
        matmul_flops=parts * (count.model + count.recompute - attention),
        attention_flops=parts * attention,
        activation_bytes=parts * activations,
        weight_bytes=parts * (2 + recomputes) * _weight_bytes(case)
        + parts * (1 + recomputes) * _dora_bytes(case)
        + _update_bytes(case),
        layer_visits=parts * visits,
        expert_kernels=parts * visits * _expert_kernels(shape, method),
        offload_bytes=parts * 2 * BFLOAT16 * tokens * shape.hidden_size * shape.layers
        if offloads
        else 0,
    )


def _layer_bytes(shape: Architecture, method: Method, tokens: int) -> float:
    """Return what one forward pass of a layer moves between kernels."""
    hidden, queries = shape.hidden_size, shape.attention_heads * shape.head_size
    keys = shape.key_value_heads * shape.head_size
    inner = shape.intermediate_size or 0
    if shape.experts is not None:
        inner = shape.experts.active * shape.experts.intermediate_size
    # Norms and residuals, rotary positions, and the feed-forward's gate: each is one kernel that
    # reads and writes where an engine fuses it, and about twice the traffic where none does.
    unfused = 1 if ENGINES[method.engine].fused_kernels or method.liger else 2
    width = unfused * (6 * hidden + 4 * (queries + keys) + 4 * inner)
    if method.adapter is not None:
        # Input and output of each adapter, read and added up.
        width += 2 * (4 * hidden + 2 * queries + 2 * keys)
        width += 2 * (2 * hidden + 3 * inner) if PLACES[method.adapter.targets].feed_forward else 0
    return float(BFLOAT16 * tokens * width)


def _logit_bytes(method: Method) -> int:
    in_pieces = method.fused_loss or ENGINES[method.engine].fused_loss
    return LOGIT_BYTES if in_pieces else WHOLE_LOGIT_BYTES


def _weight_bytes(case: Case) -> float:
    """Return the bytes that one pass over all layers reads of weights, or unpacks."""
    each = BFLOAT16 if case.method.quantization is None else NF4_BYTES
    return each * quantizable_parameters(case.model)


def _dora_bytes(case: Case) -> float:
    """Return the bytes that one forward pass moves to know how long the rows of weights are."""
    adapter, shape = case.method.adapter, case.model.architecture
    if adapter is None or not adapter.use_dora:
        return 0.0
    weights = sum(math.prod(each) for each in adapted(shape, adapter.targets).values())
    return float(DORA_BYTES * shape.layers * weights)


def _update_bytes(case: Case) -> float:
    """Return what the optimizer reads and writes: weight, gradient and moments."""
    each = BFLOAT16 if case.method.adapter is None else FLOAT32
    kind = OPTIMIZERS[case.method.optimizer.name]
    moment = each if kind.bits is None else kind.bits / 8
    numbers = 2 * each + kind.moments * moment
    return 2.0 * numbers * expected_trainable(case.model, case.method)


def _expert_kernels(shape: Architecture, method: Method) -> int:
    """Return the kernels that one pass over a layer starts for its experts, one by one."""
    if shape.experts is None or not ENGINES[method.engine].single_experts:
        return 0
    unpacking = 0 if method.quantization is None else 2
    adapters = 3 if method.adapter is not None and PLACES[method.adapter.targets].experts else 0
    return shape.experts.count * (2 * (1 + unpacking + adapters) + EXPERT_KERNELS)
