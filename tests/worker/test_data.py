"""Training rows: what they hold, and that they never change."""

import hashlib
import json
from itertools import pairwise

import pytest

from suite.catalog.tier import Workload
from suite.errors import BadInput
from suite.worker import data
from suite.worker.data import IGNORED, LENGTH_QUANTILES, TrainingRow, row_tokens, rows


def workload(kind: str, packing: str = "none", tokens: int = 512) -> Workload:
    return Workload(sequence_tokens=tokens, batch_sequences=4, data=kind, packing=packing)


def digest(made: list[TrainingRow]) -> str:
    plain = [[row.input_ids, row.labels, row.lengths] for row in made]
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("kind", "packing", "expected"),
    [
        ("fixed", "none", "f60c796e67da3dc2"),
        ("real-length", "none", "8fe68221c63f8812"),
        ("real-length", "packed", "373c45aa41e88161"),
        ("text", "none", "d81a4fa21e945371"),
    ],
)
def test_rows_never_change(kind: str, packing: str, expected: str) -> None:
    """Losses of different months compare only while the same seed gives the same rows."""
    assert digest(rows(workload(kind, packing), 151_936, 42, 8)) == expected


@pytest.mark.parametrize("kind", ["fixed", "real-length", "text"])
def test_a_row_depends_on_seed_and_number_alone(kind: str) -> None:
    """Asking for more rows changes none of the first; another seed changes them."""
    few, many = rows(workload(kind), 512, 7, 3), rows(workload(kind), 512, 7, 9)
    assert many[:3] == few
    assert rows(workload(kind), 512, 8, 3) != few


@pytest.mark.parametrize("kind", ["fixed", "real-length", "text"])
@pytest.mark.parametrize("vocabulary", [300, 201_088])
def test_ids_and_labels_fit(kind: str, vocabulary: int) -> None:
    """Ids are in the vocabulary, a label is its own token or ignored, the first never counts."""
    for row in rows(workload(kind), vocabulary, 0, 20):
        assert len(row.input_ids) == len(row.labels) == sum(row.lengths)
        assert 0 <= min(row.input_ids) <= max(row.input_ids) < vocabulary
        pairs = zip(row.input_ids, row.labels, strict=True)
        assert all(label in (IGNORED, token) for token, label in pairs)
        assert row.labels[0] == IGNORED
        assert row.labels[-1] != IGNORED


@pytest.mark.parametrize("kind", ["fixed", "text"])
def test_full_rows(kind: str) -> None:
    """Rows of one length bear loss everywhere but at their first token."""
    for row in rows(workload(kind, tokens=96), 512, 0, 5):
        assert len(row.input_ids) == 96
        assert row.labels[1:] == row.input_ids[1:]


def test_text_is_the_text() -> None:
    """Windows follow each other through the text and go round at its end."""
    made = rows(workload("text", tokens=4096), 256, 3, 20)
    whole = b"\n\n".join(p.read_bytes() for p in sorted(data.TEXT.glob("*.txt")))
    joined = b"".join(bytes(row.input_ids) for row in made)
    assert len(joined) > len(whole)
    assert joined[: len(whole)] in whole + whole


def test_text_needs_bytes() -> None:
    """A vocabulary that cannot hold a byte is refused."""
    with pytest.raises(BadInput, match="256"):
        rows(workload("text"), 200, 0, 1)


def test_lengths_follow_the_published_quantiles() -> None:
    """Quantiles are met exactly, the mean within one percent of the published 688 tokens."""
    for share, tokens in LENGTH_QUANTILES:
        assert row_tokens(share) == round(tokens)
    lengths = [row_tokens((n + 0.5) / 10_000) for n in range(10_000)]
    assert all(one <= other for one, other in pairwise(lengths))
    assert sum(lengths) / len(lengths) == pytest.approx(687.7, rel=0.01)


def test_real_lengths_show_padding_and_prompts() -> None:
    """Rows differ in length, are cut, and an eighth of the tokens bears no loss."""
    made = rows(workload("real-length", tokens=8192), 512, 0, 400)
    lengths = [len(row.input_ids) for row in made]
    assert len(set(lengths)) > 200
    assert max(len(row.input_ids) for row in rows(workload("real-length"), 512, 0, 400)) == 512
    bearing = sum(label != IGNORED for row in made for label in row.labels)
    assert bearing / sum(lengths) == pytest.approx(14_937_423 / 16_980_208, abs=0.01)


def test_packed_rows_hold_the_same_documents_in_order() -> None:
    """Packing drops, cuts and reorders nothing, and fills rows as far as whole documents go."""
    packed = rows(workload("real-length", "packed"), 512, 5, 12)
    documents = rows(workload("real-length"), 512, 5, sum(len(row.lengths) for row in packed))
    assert [n for row in packed for n in row.lengths] == [len(d.input_ids) for d in documents]
    for field in ("input_ids", "labels"):
        joined = [value for row in packed for value in getattr(row, field)]
        assert joined == [value for document in documents for value in getattr(document, field)]
    for row, following in pairwise(packed):
        assert len(row.input_ids) <= 512
        assert len(row.input_ids) + following.lengths[0] > 512
