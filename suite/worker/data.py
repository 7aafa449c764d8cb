"""Training rows: the same numbers in the same order on every machine, engine and loop.

Every random number comes from the raw output of NumPy's PCG64, which NumPy keeps stable, keyed by
the seed and the row's own number: a row does not depend on how many were asked for.

``fixed``
    Rows of exactly ``sequence_tokens`` uniform random ids; every token bears loss.
``real-length``
    Uniform random ids with the lengths of chat data, cut at ``sequence_tokens``. A row's length
    follows published quantiles (``LENGTH_QUANTILES``); its first eighth, the published share of
    prompts, bears no loss and the rest, the assistant's share, does.
``text``
    Windows of ``sequence_tokens`` bytes of the texts beside this file, one id per byte, so that
    losses fall; every token bears loss.

The first token of a row has nothing before it to be predicted from and never bears loss.
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

import msgspec
import numpy

from suite.catalog.tier import Workload
from suite.errors import BadInput

TEXT = Path(__file__).parent / "text"
IGNORED = -100  #: torch's and transformers' label for a position without loss

#: Row lengths in tokens by share of rows that are no longer, of one set for supervised chat
#: tuning with 24,690 rows (mean 688): ``reports/token_stats.csv`` at 5f05dd5 of
#: https://huggingface.co/datasets/Efe2898/last, whose longest rows, 410, were cut at 8,192.
#: Neither its tokenizer nor its languages are stated: this is a shape, not a fact about all data.
LENGTH_QUANTILES = (
    (0.5, 357.0),
    (0.9, 1058.0),
    (0.95, 2104.55),
    (1 - 410 / 24_690, 8192.0),
)
#: Of that set's 16,980,208 tokens 14,937,423 are the assistant's.
PROMPT_SHARE = 1 - 14_937_423 / 16_980_208


class TrainingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a batch: as many labels as ids.

    ``lengths`` are those of the documents in it, in order: one unless rows are packed.
    """

    input_ids: list[int]
    labels: list[int]
    lengths: list[int]


def rows(workload: Workload, vocabulary_size: int, seed: int, count: int) -> list[TrainingRow]:
    """Return the first ``count`` rows of a workload.

    Packed rows hold whole documents, in order, as long as they fit: no row exceeds
    ``sequence_tokens``. Raises BadInput for a vocabulary too small for bytes.
    """
    documents = _documents(workload, vocabulary_size, seed)
    if workload.packing == "packed":
        packed = _packed(documents, workload.sequence_tokens)
        return [next(packed) for _ in range(count)]
    return [next(documents) for _ in range(count)]


def _documents(workload: Workload, vocabulary_size: int, seed: int) -> Iterator[TrainingRow]:
    longest = workload.sequence_tokens
    if workload.data == "text":
        if vocabulary_size < 256:
            raise BadInput(f"data = 'text' needs 256 ids, the model has {vocabulary_size}")
        yield from _windows(longest, seed)
    number = 0
    while True:
        prompt = 0
        length = longest
        if workload.data == "real-length":
            draw = int(_raw(seed, "length", number, 1)[0]) >> 11
            whole = row_tokens((draw + 0.5) / (1 << 53))
            length = min(whole, longest)
            prompt = min(round(PROMPT_SHARE * whole), length - 1)
        ids = (_raw(seed, "ids", number, length) % numpy.uint64(vocabulary_size)).tolist()
        yield _row(ids, max(prompt, 1))
        number += 1


def _windows(length: int, seed: int) -> Iterator[TrainingRow]:
    text = b"\n\n".join(path.read_bytes() for path in sorted(TEXT.glob("*.txt")))
    at = int(_raw(seed, "text", 0, 1)[0]) % len(text)
    doubled = text * (2 + length // len(text))
    while True:
        yield _row(list(doubled[at : at + length]), 1)
        at = (at + length) % len(text)


def _packed(documents: Iterator[TrainingRow], longest: int) -> Iterator[TrainingRow]:
    ids: list[int] = []
    labels: list[int] = []
    lengths: list[int] = []
    for document in documents:
        if len(ids) + len(document.input_ids) > longest:
            yield TrainingRow(input_ids=ids, labels=labels, lengths=lengths)
            ids, labels, lengths = [], [], []
        ids = ids + document.input_ids
        labels = labels + document.labels
        lengths = lengths + document.lengths


def _row(ids: list[int], ignored: int) -> TrainingRow:
    labels = [IGNORED] * min(ignored, len(ids)) + ids[ignored:]
    return TrainingRow(input_ids=ids, labels=labels, lengths=[len(ids)])


def row_tokens(share: float) -> int:
    """Return the length that a ``share`` of rows, between 0 and 1, does not exceed.

    Between the published quantiles, and below the median, the logarithm of the length is linear in
    the normal score: log-normal in pieces.
    """
    pieces = list(pairwise(LENGTH_QUANTILES))
    beyond = sum(share > high for _, (high, _) in pieces[:-1])
    (low, short), (high, long) = pieces[beyond]
    score = NormalDist().inv_cdf
    slope = math.log(long / short) / (score(high) - score(low))
    length = short * math.exp(slope * (score(share) - score(low)))
    return max(2, round(min(length, LENGTH_QUANTILES[-1][1])))


def _raw(seed: int, purpose: str, number: int, count: int) -> "numpy.typing.NDArray[numpy.uint64]":
    key = numpy.random.SeedSequence([seed, *purpose.encode(), number])
    return numpy.random.PCG64(key).random_raw(count)
