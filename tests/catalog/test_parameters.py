"""Parameter counts against published and independently computed figures.

The expected numbers are those of the project's sourced model facts, not of this code.
"""

import msgspec
import pytest

from suite.catalog import method as methods
from suite.catalog import model as models
from suite.catalog import parameters
from suite.catalog.method import Adapter, Method
from suite.catalog.model import Model

ATTENTION_ONLY = ("q_proj", "k_proj", "v_proj", "o_proj")


def lora(rank: int, targets: str = "linear") -> Method:
    adapter = msgspec.convert(
        {"rank": rank, "alpha": 16, "dropout": 0, "targets": targets}, Adapter
    )
    return msgspec.structs.replace(methods.load("lora"), adapter=adapter)


def trainable(name: str, rank: int, targets: str = "linear") -> int:
    return parameters.expected_trainable(models.load(name), lora(rank, targets))


@pytest.mark.parametrize("name", models.names())
def test_every_catalog_file_states_the_exact_total(name: str) -> None:
    """A typo in a model's TOML, shapes or total, does not survive."""
    model = models.load(name)
    assert parameters.total_parameters(model) == model.parameters


@pytest.mark.parametrize(
    ("name", "expected"),
    [("qwen3-0.6b", 440_401_920), ("qwen3-8b", 6_945_767_424), ("qwen3-32b", 31_205_621_760)],
)
def test_quantizable_parameters_are_the_linear_layers(name: str, expected: int) -> None:
    """What 4-bit storage covers is the blocks' linear layers and nothing else."""
    assert parameters.quantizable_parameters(models.load(name)) == expected


@pytest.mark.parametrize(
    ("name", "share"), [("qwen3-30b-a3b", 0.950), ("gpt-oss-20b", 0.914), ("gpt-oss-120b", 0.981)]
)
def test_experts_are_quantizable(name: str, share: float) -> None:
    """The experts' known share of a model is part of what 4-bit storage covers."""
    model = models.load(name)
    attention = parameters.quantizable_parameters(model) - share * model.parameters
    assert 0 < attention / model.parameters < 0.05


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("qwen3-0.6b", (5_046_272, 10_092_544, 20_185_088, 40_370_176)),
        ("qwen3-8b", (21_823_488, 43_646_976, 87_293_952, 174_587_904)),
        ("qwen3-32b", (67_108_864, 134_217_728, 268_435_456, 536_870_912)),
    ],
)
def test_trainable_parameters_of_dense_models(name: str, counts: tuple[int, ...]) -> None:
    """LoRA on all seven projections at rank 8, 16, 32 and 64."""
    assert tuple(trainable(name, rank) for rank in (8, 16, 32, 64)) == counts


@pytest.mark.parametrize(
    ("name", "expected"),
    [("qwen3-0.6b", 4_587_520), ("qwen3-8b", 15_335_424), ("qwen3-32b", 39_845_888)],
)
def test_attention_alone_of_dense_models(name: str, expected: int) -> None:
    """The attention projections' own share of the rank 16 count."""
    found = parameters.shapes(models.load(name))
    attention = [shape for name, shape in found.items() if name.split(".")[-2] in ATTENTION_ONLY]
    assert 16 * sum(sum(shape) for shape in attention) == expected


@pytest.mark.parametrize(
    ("name", "rank", "attention", "experts"),
    [
        ("gpt-oss-120b", 8, 5_971_968, 530_841_600),
        ("gpt-oss-120b", 16, 11_943_936, 1_061_683_200),
        ("gpt-oss-20b", 16, 7_962_624, 176_947_200),
    ],
)
def test_trainable_parameters_of_gpt_oss(
    name: str, rank: int, attention: int, experts: int
) -> None:
    """The same printed rank means 89 times more parameters when experts are adapted."""
    assert trainable(name, rank) == attention
    assert trainable(name, rank, "experts") == attention + experts


@pytest.mark.parametrize("targets", ["attention", "linear"])
def test_dora_has_one_more_parameter_for_each_row_of_a_weight(targets: str) -> None:
    """Qwen3-8B: rows of q, k, v, o are 4,096, 1,024, 1,024, 4,096; of gate, up, down the rest."""
    plain = lora(16, targets)
    assert plain.adapter is not None
    adapter = msgspec.structs.replace(plain.adapter, use_dora=True)
    dora = msgspec.structs.replace(plain, adapter=adapter)
    rows = 36 * (10_240 + (2 * 12_288 + 4_096 if targets == "linear" else 0))
    model = models.load("qwen3-8b")
    more = parameters.expected_trainable(model, dora) - parameters.expected_trainable(model, plain)
    assert more == rows


def test_full_fine_tuning_trains_everything() -> None:
    """Without an adapter the trainable count is the total."""
    model: Model = models.load("qwen3-8b")
    assert parameters.expected_trainable(model, methods.load("full")) == 8_190_735_360


def test_targets_are_named_once() -> None:
    """Targets of a dense model, a mixture of experts and its experts."""
    plain, experts = lora(8).adapter, lora(8, "experts").adapter
    assert plain is not None
    assert experts is not None
    dense = (*ATTENTION_ONLY, "gate_proj", "up_proj", "down_proj")
    assert parameters.adapter_targets(models.load("qwen3-8b"), plain) == dense
    gpt_oss = models.load("gpt-oss-20b")
    assert parameters.adapter_targets(gpt_oss, plain) == ATTENTION_ONLY
    assert parameters.adapter_targets(gpt_oss, experts) == (
        *ATTENTION_ONLY,
        "gate_up_proj",
        "down_proj",
    )
