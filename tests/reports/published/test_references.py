"""Published figures: what was transcribed is what is loaded; what they imply is checked."""

from pathlib import Path

import pytest

from reports.published import plausible
from reports.published import sources as references
from reports.published.sources import PublishedFigure, Settings
from suite.cli import main
from suite.errors import BadInput

GOOD = """
title = "A source"
publisher = "Somebody"
url = "https://example.org/figures"
date = "2026-01"

[settings]
hardware = "H100 SXM"
profiles = ["h100-sxm"]
gpus = 1

[[figures]]
claim = "It does 5,000 tokens a second"
quantity = "tokens_per_second"
value = 5000
settings = { model = "Qwen3-8B", models = ["qwen3-8b"], trains = "adapters" }
"""

#: Source, first words of the claim, value: each from the source itself.
PUBLISHED = [
    ("fixstars", "Unsloth is up to 3x faster", 3.0),
    ("fixstars", "Unsloth needs up to about 80 % less", 0.8),
    ("unsloth-readme", "gpt-oss-20B trains 2x", 2.0),
    ("unsloth-readme", "gpt-oss-20B needs 70 %", 0.7),
    ("unsloth-benchmarks", "Llama 3.3 70B needs over 75 %", 0.75),
    ("unsloth-benchmarks", "A model of 32B needs 76 GB", 76e9),
    ("unsloth-gpt-oss", "gpt-oss-120B needs 65 GB", 65e9),
    ("unsloth-gpt-oss", "gpt-oss-120B needs 210 GB", 210e9),
    ("unsloth-moe", "gpt-oss-20B takes 275.35 ms", 0.27535),
    ("unsloth-moe", "gpt-oss-20B takes 1775.80 ms", 1.7758),
    ("unsloth-packing", "Rows without padding train 2.1x", 2.1),
    ("hugging-face-unsloth", "TinyLlama trains 2.74x", 2.74),
    ("hugging-face-unsloth", "Llama 2 7B needs 43.3 %", 0.433),
    ("nemo-automodel", "Llama 3 8B on one H100: 12,472.87", 12472.87),
    ("nemo-automodel", "Llama 3 8B on one H100: 402", 402e12),
    ("nemo-automodel", "Qwen2.5 7B on one H100: 9.29 s", 9.29),
    ("nemo-24.07", "Llama 2 13B in FP8: 14,629", 14629),
    ("torchtune", "Llama 3.1 8B, LoRA on an RTX 4090: 3,083", 3083),
    ("torchtune", "Llama 3.1 8B, QLoRA on an RTX 4090: 7.4 GiB", 7.4 * 2**30),
    ("torchtune", "Llama 3.2 3B, QLoRA, every", 8035),
    ("llama-factory", "Unsloth with FlashAttention 2, 16 bits: 4,007", 4007),
    ("llama-factory", "Unsloth is 1.68x", 1.68),
    ("llama-factory", "Unsloth is 1.17x as fast as FlashAttention 2 at 4,096", 1.17),
    ("mlperf-lora", "8x H100 SXM, round 4.1", 27.93 * 60),
    ("mlperf-lora", "8x B200, round 5.0", 11.24 * 60),
    ("peft-metamathqa", "LoRA on query and value: 4,198,051", 4_198_051 / 942),
    ("peft-metamathqa", "LoRA on query and value: 22.29", 22.29e9),
    ("nvidia-dgx-spark", "Llama 3.1 8B, LoRA", 53657.6),
]


def figure(**changes: object) -> PublishedFigure:
    """A throughput on an H100 that can be checked; ``changes`` are settings, value or quantity."""
    stated: dict[str, object] = {
        "hardware": "H100 SXM",
        "profiles": ("h100-sxm",),
        "gpus": 1,
        "model": "Llama 3 8B",
        "models": ("llama3-8b",),
        "trains": "adapters",
        "sequence_tokens": 4096,
        "rows": "one length",
        "flops_precision": "bf16",
    }
    value = changes.pop("value", 10_000.0)
    quantity = changes.pop("quantity", "tokens_per_second")
    settings = Settings(**{**stated, **changes})  # type: ignore[arg-type]  # a test's own keywords
    return PublishedFigure(claim="x", quantity=quantity, value=value, settings=settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "claim", "value"), PUBLISHED)
def test_figures_are_those_of_their_sources(name: str, claim: str, value: float) -> None:
    """A slip in transcription fails here."""
    found = [each for each in references.load(name).figures if each.claim.startswith(claim)]
    assert [each.value for each in found] == [pytest.approx(value, rel=1e-6)]


def test_every_claim_prints_its_value() -> None:
    """Where a claim names its number, that is the figure's; a copied line cannot keep the old."""
    for source in references.everything():
        for each in source.figures:
            text = each.claim.replace(",", "")
            if each.quantity == "tokens_per_second" and not each.printed:
                assert f"{each.value:.12g} tokens" in text, each.claim
            if each.quantity == "speed_ratio" and "typically" not in text:
                assert f"{each.value:g}x" in text, each.claim
            if each.quantity == "memory_saved_share":
                assert f"{(each.value or 0) * 100:.12g} %" in text, each.claim


def test_a_source_says_where_it_is_and_what_all_its_figures_share() -> None:
    """Common settings reach each figure, its own win, and what nobody stated stays unstated."""
    source = references.load("nemo-automodel")
    assert source.url.startswith("https://")
    assert {each.settings.sequence_tokens for each in source.figures} == {4096}
    assert {each.settings.gpus for each in source.figures} == {1, 8}
    assert {each.settings.rank for each in source.figures} == {None}
    fixstars = references.load("fixstars").figures[0].settings
    assert (fixstars.sequence_tokens, fixstars.batch_sequences, fixstars.rank) == (None,) * 3


@pytest.mark.parametrize("name", ["unsloth-qlora", "unsloth-qlora-expert-lop"])
def test_an_older_method_is_one_that_runs_the_loop(name: str, tmp_path: Path) -> None:
    """Another method would be held against something that is not its newer path."""
    text = GOOD.replace('"tokens_per_second"\nvalue = 5000', '"faster_card"\nslower = ["b200"]')
    file = tmp_path / "mine.toml"
    for older, refused in (("unsloth-qlora-expert-loop", False), (name, True)):
        stated = f'slower = ["b200"]\nolder_method = "{older}"'
        file.write_text(text.replace('slower = ["b200"]', stated), encoding="utf-8")
        if refused:
            with pytest.raises(BadInput, match=r"older_method': (unknown name|its experts)"):
                references.read(file)
        else:
            assert references.read(file).figures[0].older_method == older


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('quantity = "tokens_per_second"', 'quantity = "tokens"', "figures[0].quantity"),
        ("value = 5000", "value = 0", "figures[0].value"),
        ("value = 5000\n", "", "has a value"),
        ("value = 5000", "valeu = 5000", "Did you mean 'value'?"),
        ("gpus = 1", "gpu = 1", "unknown key 'settings.gpu'"),
        ('"h100-sxm"', '"h100"', "settings.profiles': unknown name 'h100'"),
        ('"qwen3-8b"', '"qwen3-9b"', "key 'figures[0].settings.models': unknown name 'qwen3-9b'"),
        ("https://", "javascript:", "key 'url'"),
        ('"2026-01"', '"last year"', "key 'date'"),
        ('title = "A source"\n', "", "missing required field `title`"),
        ("trains =", 'methods = ["lorra"], trains =', "Did you mean 'lora'"),
        ("value = 5000", 'value = 5000\nslower = ["b200"]', "slower is for quantity"),
        ("value = 5000", 'value = 5000\nolder_method = "qlora"', "older_method is for quantity"),
    ],
)
def test_a_bad_reference_names_file_key_and_reason(
    old: str, new: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever adds a source is told what is wrong with it, with exit 2."""
    file = tmp_path / "references" / "mine.toml"
    file.parent.mkdir()
    file.write_text(GOOD, encoding="utf-8")
    assert main(["validate", str(file)]) == 0
    assert old in GOOD
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    assert main(["validate", str(file)]) == 2
    shown = capsys.readouterr().out
    assert str(file) in shown
    assert reason in shown


def test_the_arithmetic_is_about_4n_a_token_and_attention() -> None:
    """NVIDIA's own FLOP/s for this figure, counted by NVIDIA, are within 5 % of ours."""
    found = plausible.check(figure(value=12472.87))
    assert found is not None
    assert found.flops_per_second == pytest.approx(402e12, rel=0.05)
    # By hand: 32 layers' matrices and the output layer 4 times, attention over half the length.
    linear = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336) + 128256 * 4096
    attention = 32 * 3 * 4 * 4096 * 4097 / 2
    assert found.flops_per_second == pytest.approx(12472.87 * (4 * linear + attention), rel=1e-3)
    assert found.kind == "possible"
    assert found.text == (
        "implies at least 415 TFLOP/s, 42 % of the GPU's 989 TFLOP/s in bfloat16"
        " (derived, not printed by the vendor)"
    )


def test_a_figure_over_the_peak_is_impossible() -> None:
    """Three times as many tokens exceed the card; a step that takes a third says the same."""
    found = plausible.check(figure(value=12472.87 * 3))
    assert found is not None
    assert found.kind == "impossible"
    step = {"quantity": "step_seconds", "batch_sequences": 2, "gradient_accumulation": 16}
    slow = plausible.check(figure(value=10.51, **step))
    fast = plausible.check(figure(value=10.51 / 3, **step))
    assert slow is not None
    assert fast is not None
    assert (slow.kind, fast.kind) == ("possible", "impossible")
    assert slow.flops_per_second == pytest.approx((found.flops_per_second or 0) / 3, rel=1e-3)


def test_nvidias_figures_for_the_spark_are_impossible_and_no_others_are() -> None:
    """The three figures that exceed anything the chip can do are told from the rest."""
    found = [
        (source.name, each.claim)
        for source in references.everything()
        for each in source.figures
        if (check := plausible.check(each)) is not None and check.kind == "impossible"
    ]
    assert [name for name, _ in found] == ["nvidia-dgx-spark"] * 3


def test_what_is_not_stated_adds_nothing() -> None:
    """Without a length or a rank the implied rate is lower, never higher, and says "at least"."""
    whole = plausible.check(figure(rank=16, targets="all linear"))
    short = plausible.check(figure(rows="packed", rank=16, targets="all linear"))
    assert whole is not None
    assert short is not None
    assert "at least" not in whole.text
    assert "at least" in short.text
    assert (short.flops_per_second or 0) < (whole.flops_per_second or 0)
    full = plausible.check(figure(trains="everything"))
    assert full is not None
    assert (full.flops_per_second or 0) > 1.4 * (whole.flops_per_second or 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"profiles": (), "hardware": None}, "GPU not stated"),
        ({"profiles": (), "hardware": "RTX A6000"}, "no profile of RTX A6000"),
        ({"models": (), "model": None}, "model not stated"),
        ({"models": ()}, "no shapes of Llama 3 8B"),
        ({"trains": None}, "what is trained is not stated"),
        ({"flops_precision": "fp8"}, "computed in FP8, whose peak no profile has"),
        ({"quantity": "step_seconds", "gpus": None}, "GPUs not stated"),
        ({"quantity": "step_seconds", "gpus": 8}, "a step of several GPUs"),
        ({"quantity": "step_seconds"}, "batch not stated"),
        ({"quantity": "step_seconds", "batch_sequences": 2}, "accumulation not stated"),
        ({"profiles": ("h100-sxm", "cpu")}, "no known bfloat16 peak of the GPU"),
    ],
)
def test_what_cannot_be_checked_says_why(changes: dict[str, object], reason: str) -> None:
    """A figure without its settings is neither possible nor impossible."""
    found = plausible.check(figure(**changes))
    assert found is not None
    assert (found.kind, found.text) == ("unchecked", f"cannot be checked: {reason}")


def test_a_ratio_implies_no_arithmetic() -> None:
    """There is nothing to say, which is not the same as possible."""
    assert plausible.check(figure(quantity="speed_ratio", value=2.0)) is None
    assert plausible.check(figure(quantity="peak_memory_bytes", value=2e9)) is None
