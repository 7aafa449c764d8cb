"""The time of a step that was not measured: demands of a case, over rates of a card.

The GPU works off matrix products, attention, activations and weights one after the other, each at
the rate that the card was probed with times a factor. Activations wait for memory and for the
card's processors, which do what is between matrix products: two cards with as many of these and
1.4 times apart in bandwidth differ less than memory alone explains. The host starts the kernels
meanwhile, and a link carries what is offloaded. The three overlap partly, so a step takes the root
of the sum of their squares: nearly the longest of them where one dominates, 1.4 times where two
are alike.

Where a record says how fast its host was (``suite.results.hosts.speed``), the host's time is that
of the median such host, times by how much this one is slower. A host that was not probed is taken
for the median one.

Factors are fitted on records by bounded least squares of relative errors. Few records say little
about some factors, so each is drawn weakly towards an expectation of its own (``PRIORS``).
"""

import math
import statistics
from collections.abc import Mapping, Sequence

import msgspec

from suite.catalog.case import Case
from suite.estimate.roofline import Demand, demand, refusal
from suite.estimate.time_samples import Rates, TimeSample

LAYER_SECONDS, KERNEL_SECONDS = 1e-3, 1e-5  #: units of the factors of the host
#: Unit of the factors of processors, bytes/s each: about a Hopper processor's share of a copy.
PROCESSOR_BYTES_PER_SECOND = 30e9


class Prior(msgspec.Struct, frozen=True, kw_only=True):
    """What a factor is expected to be, and its bounds.

    ``weight``: a factor that is off by all of the expectation costs as much as a relative error of
    this size in one case.
    """

    expected: float
    weight: float
    least: float
    most: float


#: Nothing is faster than a large matrix product. FlashAttention-2 reaches 35 % of an H100's
#: 989 TFLOP/s (arXiv:2407.08608), some 2.2 times slower than such a product is here. Bytes are
#: counted roughly, so their factors are loose: memory and processors are expected to hold
#: activations back alike. Those of the host are hardly known before.
PRIORS: Mapping[str, Prior] = {
    "matmul": Prior(expected=1.0, weight=0.1, least=1.0, most=3.0),
    "attention": Prior(expected=2.2, weight=0.3, least=1.0, most=6.0),
    "activations": Prior(expected=1.0, weight=0.05, least=0.0, most=6.0),
    "processors": Prior(expected=1.0, weight=0.05, least=0.0, most=6.0),
    "weights": Prior(expected=1.5, weight=0.1, least=1.0, most=6.0),
    "layers": Prior(expected=1.0, weight=0.01, least=0.0, most=50.0),
    "experts": Prior(expected=1.0, weight=0.001, least=0.0, most=100.0),
}
PER_ENGINE = ("activations", "processors", "layers")  #: factors that each engine has its own of


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The seconds of one step by part; ``gpu`` parts add up, the three overlap."""

    matmul: float
    attention: float
    activations: float
    weights: float
    host: float
    link: float

    @property
    def gpu(self) -> float:
        """Return how long the GPU computes."""
        return self.matmul + self.attention + self.activations + self.weights

    @property
    def seconds(self) -> float:
        """Return the step."""
        return math.hypot(self.gpu, self.host, self.link)


class TimeModel(msgspec.Struct, frozen=True, kw_only=True):
    """Fitted factors by name (``activations unsloth``, ``matmul``), and on how many cases.

    ``host_speed`` is that of the host that the factors are of, None where no host was probed.
    """

    factors: Mapping[str, float]
    samples: tuple[TimeSample, ...]
    host_speed: float | None = None

    def lacks(self, case: Case) -> str:
        """Return why a case's time cannot be estimated, or an empty string."""
        if reason := refusal(case):
            return reason
        alike = [s for s in self.samples if s.case.method.engine == case.method.engine]
        if not alike:
            return f"no measured case of engine {case.method.engine}"
        if case.model.architecture.experts is None:
            return ""
        stored = case.method.quantization is None
        if not any(
            s.case.model.architecture.experts is not None
            and (s.case.method.quantization is None) == stored
            for s in alike
        ):
            # Experts out of 4 bits run one by one, in 16 bits together.
            bits = "16" if stored else "4"
            return f"no measured case with experts in {bits} bits on engine {case.method.engine}"
        return ""

    def parts(self, case: Case, rates: Rates) -> Parts:
        """Return the time of a step by part; the case lacks nothing."""
        here = _on_host(rates, self.host_speed)
        return _parts(demand(case), case.method.engine, here, self.factors)


def fit_factors(found: Sequence[TimeSample]) -> TimeModel:
    """Return the model fitted on samples."""
    from scipy.optimize import least_squares

    engines = sorted({sample.case.method.engine for sample in found})
    names = [
        name
        for kind in PRIORS
        for name in ([_of(kind, e) for e in engines] if kind in PER_ENGINE else [kind])
    ]
    priors = [PRIORS[name.partition(" ")[0]] for name in names]
    speeds = [s.rates.host_speed for s in found if s.rates.host_speed is not None]
    host_speed = statistics.median(speeds) if speeds else None
    known = [(s, _on_host(s.rates, host_speed)) for s in found]

    def residuals(factors: Sequence[float]) -> list[float]:
        named = dict(zip(names, map(float, factors), strict=True))
        errors = [
            _parts(s.demand, s.case.method.engine, rates, named).seconds / s.seconds - 1
            for s, rates in known
        ]
        drawn = [
            prior.weight * (factor - prior.expected) / prior.expected
            for prior, factor in zip(priors, named.values(), strict=True)
        ]
        return errors + drawn

    start = [max(prior.expected, prior.least + 1e-6) for prior in priors]
    bounds = ([prior.least for prior in priors], [prior.most for prior in priors])
    best = least_squares(residuals, start, bounds=bounds).x if found else start
    return TimeModel(
        factors=dict(zip(names, map(float, best), strict=True)),
        samples=tuple(found),
        host_speed=host_speed,
    )


def _on_host(rates: Rates, typical: float | None) -> Rates:
    """Return rates whose ``host_factor`` is beside a host of the typical speed."""
    if typical is None or rates.host_speed is None:
        return rates
    slower = typical / rates.host_speed
    return msgspec.structs.replace(rates, host_factor=rates.host_factor * slower)


def _of(kind: str, engine: str) -> str:
    return f"{kind} {engine}" if kind in PER_ENGINE else kind


def _parts(wanted: Demand, engine: str, rates: Rates, factors: Mapping[str, float]) -> Parts:
    flops, traffic = rates.flops_per_second, rates.bytes_per_second
    host = LAYER_SECONDS * factors[_of("layers", engine)] * wanted.layer_visits
    host += KERNEL_SECONDS * factors["experts"] * wanted.expert_kernels
    # Records without the link's rate are of before it was probed; it hides behind the GPU there.
    link = wanted.offload_bytes / rates.link_bytes_per_second if rates.link_bytes_per_second else 0
    processors = (
        traffic if rates.processors is None else rates.processors * PROCESSOR_BYTES_PER_SECOND
    )
    return Parts(
        matmul=factors["matmul"] * wanted.matmul_flops / flops,
        attention=factors["attention"] * wanted.attention_flops / flops,
        activations=wanted.activation_bytes
        * (
            factors[_of("activations", engine)] / traffic
            + factors[_of("processors", engine)] / processors
        ),
        weights=factors["weights"] * wanted.weight_bytes / traffic,
        host=rates.host_factor * host,
        link=float(link),
    )
