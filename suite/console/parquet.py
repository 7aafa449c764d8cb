"""The rows of ``export`` as Parquet. pyarrow's only door."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from suite.errors import WrongMachine
from suite.results.metrics import Unit, all_metrics

Row = Mapping[str, str | int | float | None]

WHOLE = ("launch", "seed", "gpus", "batch_sequences", "sequence_tokens", "gradient_accumulation")
REAL = ("parity_first", "parity_trajectory", "parity_gradient")
WHEN = "started_at"
WHOLE_UNITS: tuple[Unit, ...] = ("bytes", "count")


def parquet(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    """Return a Parquet file of the rows, with the columns ``names`` in that order.

    Metrics carry their ``unit`` and ``title`` as metadata of the field; bytes and counts are
    int64, other numbers double, ``started_at`` a time in UTC, all else text. Null is unknown,
    also a whole number beyond int64 and a time that a record does not give as ISO 8601.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise WrongMachine(
            "pyarrow is not installed, and writes Parquet",
            hint="./tunebench installs it; under another Python: pip install pyarrow",
        ) from error
    metrics = all_metrics()

    def field(name: str) -> object:
        if name in metrics:
            metric = metrics[name]
            kind = pyarrow.int64() if metric.unit in WHOLE_UNITS else pyarrow.float64()
            about = {"unit": metric.unit, "title": metric.title}
            return pyarrow.field(name, kind, metadata=about)
        if name == WHEN:
            return pyarrow.field(name, pyarrow.timestamp("us", tz="UTC"))
        if name in WHOLE:
            return pyarrow.field(name, pyarrow.int64())
        return pyarrow.field(name, pyarrow.float64() if name in REAL else pyarrow.string())

    columns: dict[str, list[object]] = {name: [row[name] for row in rows] for name in names}
    for name in names:
        if name in metrics and metrics[name].unit in WHOLE_UNITS:
            columns[name] = [_whole(value) for value in columns[name]]
    if WHEN in columns:
        columns[WHEN] = [_time(str(value)) for value in columns[WHEN]]
    table = pyarrow.table(columns, schema=pyarrow.schema([field(name) for name in names]))
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out)
    return out.getvalue()


def _whole(value: object) -> int | None:
    # A record may say 2^63 - 1 bytes, which is 2^63 as a float, and a sum of such is larger still.
    return int(value) if isinstance(value, int | float) and abs(value) < 2**63 else None


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found.tzinfo is None else found.astimezone(UTC)
