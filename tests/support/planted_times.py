"""Cases whose steps take what planted factors say, for a fit to find again."""

from suite.estimate.roofline import demand
from suite.estimate.step_time import TimeModel
from suite.estimate.time_samples import Rates, TimeSample
from support.asked import case

RATES = Rates(flops_per_second=8e14, bytes_per_second=4e12, link_bytes_per_second=5e10)
PLANTED = {
    "matmul": 1.3,
    "attention": 3.0,
    "activations transformers": 2.0,
    "activations unsloth": 1.1,
    "processors transformers": 1.5,
    "processors unsloth": 0.7,
    "weights": 1.6,
    "layers transformers": 2.5,
    "layers unsloth": 1.2,
    "experts": 0.6,
}
WORKS = [
    (model, method, tokens, rows)
    for model in ("qwen3-0.6b", "qwen3-8b", "qwen3-32b")
    for method in ("lora", "qlora", "full", "unsloth-lora", "unsloth-qlora")
    for tokens, rows in ((512, 4), (2048, 2), (16384, 1))
]


def sample(
    model: str, method: str, tokens: int = 2048, rows: int = 2, *, rates: Rates = RATES
) -> TimeSample:
    """A case that takes what the planted factors say."""
    made = case(model, method, tokens, rows)
    known = TimeModel(factors=PLANTED, samples=())
    return TimeSample(
        profile="h200-sxm",
        case=made,
        demand=demand(made),
        rates=rates,
        seconds=known.parts(made, rates).seconds,
        joules=None,
        record_ids=("0" * 16,),
    )
