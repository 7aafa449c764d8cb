"""The time of a step that was not measured: demands of a case, over rates of a card.

The GPU works off matrix products, attention, activations and weights one after the other, each at
the rate that the card was probed with times a factor. Activations wait for memory and for the
card's processors, which do what is between matrix products: two cards with as many of these and
1.4 times apart in bandwidth differ less than memory alone explains. The host starts the kernels
meanwhile, and a link carries what is offloaded. The three overlap partly, so a step takes the root
of the sum of their squares: nearly the longest of them where one dominates, 1.4 times where two
are alike.

Factors are fitted on records by bounded least squares of relative errors. Few records say little
about some factors, so each is drawn weakly towards an expectation of its own (``PRIORS``).
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from suite.catalog import profile as profiles
from suite.catalog.case import Case
from suite.catalog.profile import POSSIBLE
from suite.estimate.roofline import Demand, demand, refusal
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.samples import steady_steps

LAYER_SECONDS, KERNEL_SECONDS = 1e-3, 1e-5  #: units of the factors of the host
#: Unit of the factors of processors, bytes/s each: about a Hopper processor's share of a copy.
PROCESSOR_BYTES_PER_SECOND = 30e9
LINKS = (1e8, 1e13)  #: bytes/s that a link to the host may do
LEAST_STEPS = 3  #: steady steps; the few of a search for what fits are no measurement of time


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


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What a card does in a second: large bfloat16 products, copies in its memory and to the host.

    ``host_factor``: how long the host takes for its work, in times of the measured one.
    ``link_bytes_per_second`` is one direction's; None is unknown. ``processors`` is how many
    streaming multiprocessors there are; where unknown, as many as keep up with the memory.
    """

    flops_per_second: float
    bytes_per_second: float
    link_bytes_per_second: float | None = None
    host_factor: float = 1.0
    processors: float | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One case as measured on one card: the median of its launches, and what was probed there."""

    profile: str
    case: Case
    demand: Demand
    rates: Rates
    seconds: float
    joules: float | None
    record_ids: tuple[str, ...]


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
    """Fitted factors by name (``activations unsloth``, ``matmul``), and on how many cases."""

    factors: Mapping[str, float]
    samples: tuple[Sample, ...]

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
        return _parts(demand(case), case.method.engine, rates, self.factors)


def fit_on(records: Iterable[Record]) -> TimeModel:
    """Return the model fitted on records of rows of one length that ran on a probed GPU."""
    return fit(samples(records))


def fit(found: Sequence[Sample]) -> TimeModel:
    """Return the model fitted on samples."""
    from scipy.optimize import least_squares

    engines = sorted({sample.case.method.engine for sample in found})
    names = [
        name
        for kind in PRIORS
        for name in ([_of(kind, e) for e in engines] if kind in PER_ENGINE else [kind])
    ]
    priors = [PRIORS[name.partition(" ")[0]] for name in names]

    def residuals(factors: Sequence[float]) -> list[float]:
        named = dict(zip(names, map(float, factors), strict=True))
        errors = [
            _parts(s.demand, s.case.method.engine, s.rates, named).seconds / s.seconds - 1
            for s in found
        ]
        drawn = [
            prior.weight * (factor - prior.expected) / prior.expected
            for prior, factor in zip(priors, named.values(), strict=True)
        ]
        return errors + drawn

    start = [max(prior.expected, prior.least + 1e-6) for prior in priors]
    bounds = ([prior.least for prior in priors], [prior.most for prior in priors])
    best = least_squares(residuals, start, bounds=bounds).x if found else start
    return TimeModel(factors=dict(zip(names, map(float, best), strict=True)), samples=tuple(found))


def samples(records: Iterable[Record]) -> list[Sample]:
    """Return what records say about time: one sample a case and profile, in order."""
    groups: dict[object, list[Record]] = {}
    for record in records:
        if timed(record) and record.environment.probe and record.environment.gpu:
            groups.setdefault((record.profile, same_work(record.case)), []).append(record)
    found = (_sample(group) for group in groups.values() if not refusal(group[0].case))
    return [sample for sample in found if sample is not None]


def timed(record: Record) -> bool:
    """Return whether a record tells how long a step takes."""
    return record.outcome == "ok" and len(steady_steps(record)) >= LEAST_STEPS


def same_work(case: Case) -> object:
    """Return what two cases share whose times may stand for each other.

    Not the seed, the steps, or what is only said of a method or a model.
    """
    method = msgspec.structs.replace(case.method, title="", summary="", why="", reference=None)
    return (case.model.name, case.model.architecture, method, case.workload, case.loop)


def _sample(group: Sequence[Record]) -> Sample | None:
    metrics = all_metrics()
    times = [metrics["step_seconds"].compute(record) for record in group]
    known = [seconds for seconds in times if seconds]
    probes = [record.environment.probe for record in group if record.environment.probe]
    if not known or not probes:
        return None
    wanted, seconds = demand(group[0].case), statistics.median(known)
    flops_per_second = statistics.median(p.matmul_flops_per_second for p in probes)
    bytes_per_second = statistics.median(p.copy_bytes_per_second for p in probes)
    # A stranger's clock or probe may be absurd; one such case would decide the whole fit.
    if not _possible("bf16_flops", flops_per_second):
        return None
    if not _possible("memory_bytes_per_second", bytes_per_second) or not 1e-4 < seconds < 1e5:
        return None
    ideal = wanted.flops / flops_per_second, wanted.traffic_bytes / bytes_per_second
    if ideal[0] > 1.5 * seconds or ideal[1] > 5 * seconds:
        return None
    links = [
        link
        for link in (probe.host_to_device_bytes_per_second for probe in probes)
        if link is not None and LINKS[0] <= link <= LINKS[1]
    ]
    return Sample(
        profile=group[0].profile,
        case=group[0].case,
        demand=wanted,
        rates=Rates(
            flops_per_second=flops_per_second,
            bytes_per_second=bytes_per_second,
            link_bytes_per_second=_median(links),
            processors=_processors(group[0].profile),
        ),
        seconds=seconds,
        joules=_median([_joules(record) for record in group]),
        record_ids=tuple(record.record_id for record in group),
    )


def _processors(name: str) -> float | None:
    """Return how many multiprocessors the card of a profile has; None for a stranger's card."""
    known = profiles.known(name)
    return None if known is None else known.facts.value("streaming_multiprocessors")


def _possible(fact: str, probed: float) -> bool:
    least, most, _ = POSSIBLE[fact]
    return least <= probed <= most


def _joules(record: Record) -> float | None:
    """Return the energy of one step; None where that of the case may not be quoted."""
    each = all_metrics()["joules_per_token"].compute(record)
    return None if each is None else each * record.case.workload.step_tokens


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


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
