"""Keep records small in memory: telemetry parked, and what a run says in each record once."""

from typing import TypeVar

import msgspec

from suite.results.parked import LEAST_BYTES, Lot
from suite.results.record import Record, Telemetry

T = TypeVar("T")

_TELEMETRY = msgspec.msgpack.Decoder(Telemetry)


class Compact:
    """Makes the records of one collection compact; they equal what they were made from."""

    def __init__(self) -> None:
        self._lot = Lot()
        self._seen: dict[tuple[type, bytes], object] = {}

    def record(self, record: Record) -> Record:
        """Return the record, made compact."""
        case = msgspec.structs.replace(
            record.case, model=self._same(record.case.model), method=self._same(record.case.method)
        )
        return msgspec.structs.replace(
            record,
            case=case,
            hardware=self._same(record.hardware),
            environment=self._same(record.environment),
            effective=self._same(record.effective),
            telemetry=self._parked(record.telemetry),
        )

    def _same(self, value: T) -> T:
        found = self._seen.setdefault((type(value), msgspec.msgpack.encode(value)), value)
        assert isinstance(found, type(value))
        return found

    def _parked(self, telemetry: Telemetry | None) -> Telemetry | None:
        if telemetry is None:
            return None
        try:
            packed = msgspec.msgpack.encode(telemetry)
        except OverflowError:  # a stranger's whole number of over 64 bits, which JSON can hold
            return telemetry
        if len(packed) < LEAST_BYTES:
            return telemetry
        # To its readers it is what it stands for.
        return self._lot.park(packed, _TELEMETRY.decode)  # type: ignore[return-value]
