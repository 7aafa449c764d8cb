from suite.catalog import method, model
from suite.catalog.flops import step_flops


def _adapter(name: str = "lora"):
    return method.load(name).adapter


def test_lora_costs_about_four_n_and_full_about_six_n_a_token():
    """Frozen weights have no weight gradient: 4N against 6N, short rows, N in matrix products."""
    architecture = model.load("qwen3-8b").architecture
    matrix_weights = 6_945_767_424 + 151_936 * 4_096  # quantizable linears and the LM head
    lora = step_flops(architecture, _adapter(), [1] * 100, recomputes=False)
    full = step_flops(architecture, None, [1] * 100, recomputes=False)
    assert 4 * matrix_weights < lora.model / 100 < 4.04 * matrix_weights
    assert 6 * matrix_weights < full.model / 100 < 6.001 * matrix_weights


def test_adapters_cost_by_what_they_are_on():
    """Attention alone, and four times the rank: two operations forward, four back, a weight."""
    architecture = model.load("qwen3-8b").architecture
    bare = step_flops(architecture, None, [1] * 10, recomputes=False).forward
    counts = {"lora": 43_646_976, "lora-attention": 15_335_424, "lora-r64": 4 * 43_646_976}
    for name, trained in counts.items():
        found = step_flops(architecture, _adapter(name), [1] * 10, recomputes=False)
        assert found.forward - bare == 2 * trained * 10
        none = step_flops(architecture, _adapter("lora"), [1] * 10, recomputes=False)
        assert found.backward - none.backward == 4 * (trained - counts["lora"]) * 10


def test_attention_grows_with_the_square_of_a_row_and_packing_does_not_change_that():
    """The same tokens in longer rows cost more; linear layers cost the same."""
    architecture = model.load("qwen3-8b").architecture
    short = step_flops(architecture, _adapter(), [1024] * 16, recomputes=False)
    long = step_flops(architecture, _adapter(), [16_384], recomputes=False)
    pairs = 16_384 * 16_385 // 2 - 16 * (1024 * 1025 // 2)
    assert long.forward - short.forward == 4 * 36 * 32 * 128 * pairs
    assert long.backward - short.backward == 8 * 36 * 32 * 128 * pairs


def test_only_the_experts_a_token_meets_are_counted():
    """GPT-OSS-120B works with its 5.1 billion active parameters, not its 117 billion."""
    architecture = model.load("gpt-oss-120b").architecture
    flops = step_flops(architecture, _adapter(), [1] * 10, recomputes=False)
    active = 5.1e9  # with the unembedding, without the embedding table (OpenAI)
    assert abs(flops.forward / 10 / 2 - active) / active < 0.02


def test_a_sliding_window_caps_every_other_layer():
    """Doubling a long row doubles a windowed layer's pairs and quadruples a full one's."""
    architecture = model.load("gpt-oss-20b").architecture
    heads = 4 * 64 * 64
    one = step_flops(architecture, None, [4096], recomputes=False)
    linear = step_flops(architecture, None, [1] * 4096, recomputes=False)
    full = 4096 * 4097 // 2
    windowed = 128 * 129 // 2 + (4096 - 128) * 128
    expected = heads * 12 * (full + windowed) - heads * 24 * 4096
    assert one.forward - linear.forward == expected


def test_recomputation_is_apart_and_spares_the_head():
    """Gradient checkpointing repeats the layers' forward pass; the model's count stays."""
    architecture = model.load("qwen3-8b").architecture
    plain = step_flops(architecture, _adapter(), [2048, 2048], recomputes=False)
    again = step_flops(architecture, _adapter(), [2048, 2048], recomputes=True)
    assert plain.model == again.model
    assert plain.recompute == 0
    assert again.recompute == again.forward - 2 * 151_936 * 4_096 * 4_096
