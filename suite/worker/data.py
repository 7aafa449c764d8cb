"""Training rows: the same numbers in the same order on every machine, engine and loop.

Every random number comes from the raw output of NumPy's PCG64, which NumPy keeps stable, keyed by
the seed and the row's own number: a row does not depend on how many were asked for.

``fixed``
    Rows of exactly ``sequence_tokens`` uniform random ids; every token bears loss.
``real-length``
    Uniform random ids with the lengths of instruction data, cut at ``sequence_tokens``. Prompt
    and completion lengths are drawn from exponential distributions with the published means of
    OpenAssistant conversations, since means are all that is published and the exponential assumes
    nothing else. The prompt bears no loss, the completion does.
``text``
    Windows of ``sequence_tokens`` bytes of the texts beside this file, one id per byte, so that
    losses fall; every token bears loss.

The first token of a row has nothing before it to be predicted from and never bears loss.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy

from suite.catalog.tier import Workload
from suite.errors import BadInput

TEXT = Path(__file__).parent / "text"
IGNORED = -100  #: torch's and transformers' label for a position without loss

# Mean tokens in the prompt and in the completion of one OpenAssistant conversation turn:
# Wang et al. 2023, "How Far Can Camels Go?", arXiv 2306.04751, table 1 (LLaMA tokenizer).
PROMPT_MEAN_TOKENS = 34.8
COMPLETION_MEAN_TOKENS = 212.5


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a batch: as many labels as ids.

    ``lengths`` are those of the documents in it, in order: one unless rows are packed.
    """

    input_ids: list[int]
    labels: list[int]
    lengths: list[int]


def rows(workload: Workload, vocabulary_size: int, seed: int, count: int) -> list[Row]:
    """Return the first ``count`` rows of a workload.

    Packed rows hold whole documents, in order, as long as they fit: no row exceeds
    ``sequence_tokens``. Raises BadInput for a vocabulary too small for bytes.
    """
    documents = _documents(workload, vocabulary_size, seed)
    if workload.packing == "packed":
        packed = _packed(documents, workload.sequence_tokens)
        return [next(packed) for _ in range(count)]
    return [next(documents) for _ in range(count)]


def _documents(workload: Workload, vocabulary_size: int, seed: int) -> Iterator[Row]:
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
            uniform = (_raw(seed, "length", number, 2) >> numpy.uint64(11)) * 2.0**-53
            prompt = _exponential(float(uniform[0]), PROMPT_MEAN_TOKENS)
            length = min(prompt + _exponential(float(uniform[1]), COMPLETION_MEAN_TOKENS), longest)
            prompt = min(prompt, length - 1)
        ids = (_raw(seed, "ids", number, length) % numpy.uint64(vocabulary_size)).tolist()
        yield _row(ids, max(prompt, 1))
        number += 1


def _windows(length: int, seed: int) -> Iterator[Row]:
    text = b"\n\n".join(path.read_bytes() for path in sorted(TEXT.glob("*.txt")))
    at = int(_raw(seed, "text", 0, 1)[0]) % len(text)
    doubled = text * (2 + length // len(text))
    while True:
        yield _row(list(doubled[at : at + length]), 1)
        at = (at + length) % len(text)


def _packed(documents: Iterator[Row], longest: int) -> Iterator[Row]:
    ids: list[int] = []
    labels: list[int] = []
    lengths: list[int] = []
    for document in documents:
        if len(ids) + len(document.input_ids) > longest:
            yield Row(input_ids=ids, labels=labels, lengths=lengths)
            ids, labels, lengths = [], [], []
        ids = ids + document.input_ids
        labels = labels + document.labels
        lengths = lengths + document.lengths


def _row(ids: list[int], ignored: int) -> Row:
    labels = [IGNORED] * min(ignored, len(ids)) + ids[ignored:]
    return Row(input_ids=ids, labels=labels, lengths=[len(ids)])


def _exponential(uniform: float, mean: float) -> int:
    return 1 + int(-math.log1p(-uniform) * (mean - 0.5))


def _raw(seed: int, purpose: str, number: int, count: int) -> "numpy.typing.NDArray[numpy.uint64]":
    key = numpy.random.SeedSequence([seed, *purpose.encode(), number])
    return numpy.random.PCG64(key).random_raw(count)
