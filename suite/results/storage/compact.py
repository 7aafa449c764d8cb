"""Keep records small in memory: telemetry packed, and what a run says in each record once."""

from typing import TypeVar

import msgspec

from suite.results.lazy import LEAST_BYTES, SpillStore
from suite.results.record import Environment, Record, Telemetry
from suite.wire import Step

T = TypeVar("T")

_TELEMETRY = msgspec.msgpack.Decoder(Telemetry)


class Compact:
    """Makes the records of one collection compact; they equal what they were made from."""

    def __init__(self) -> None:
        self._store = SpillStore()
        self._seen: dict[tuple[type, bytes], object] = {}
        self._counts: dict[int, int] = {}
        self._rows: dict[tuple[int, ...], tuple[int, ...]] = {}

    def record(self, record: Record) -> tuple[Record, int]:
        """Return the record, made compact, and how many of its bytes were packed."""
        telemetry, packed_bytes = self._packed(record.telemetry)
        case = msgspec.structs.replace(
            record.case,
            model=self._same(record.case.model),
            method=self._same(record.case.method),
            workload=self._same(record.case.workload),
        )
        compact = msgspec.structs.replace(
            record,
            case=case,
            hardware=self._same(record.hardware),
            environment=self._environment(record.environment),
            effective=self._same(record.effective),
            steps=tuple(map(self._step, record.steps)),
            telemetry=telemetry,
        )
        return compact, packed_bytes

    def _environment(self, environment: Environment) -> Environment:
        """Return it with everything shared but how fast the host was, which each case measured."""
        probe = environment.probe
        if probe is None or probe.host is None:
            return self._same(environment)
        bare = msgspec.structs.replace(probe, host=None, host_after=None)
        shared = self._same(msgspec.structs.replace(environment, probe=bare))
        assert shared.probe is not None
        own = msgspec.structs.replace(shared.probe, host=probe.host, host_after=probe.host_after)
        return msgspec.structs.replace(shared, probe=own)

    def _step(self, step: Step) -> Step:
        counts = (step.tokens_padded, step.tokens_real, step.tokens_loss)
        padded, real, loss = (self._counts.setdefault(count, count) for count in counts)
        rows = self._rows.setdefault(step.row_tokens, step.row_tokens)
        return msgspec.structs.replace(
            step, tokens_padded=padded, tokens_real=real, tokens_loss=loss, row_tokens=rows
        )

    def _same(self, value: T) -> T:
        found = self._seen.setdefault((type(value), msgspec.msgpack.encode(value)), value)
        assert isinstance(found, type(value))
        return found

    def _packed(self, telemetry: Telemetry | None) -> tuple[Telemetry | None, int]:
        if telemetry is None:
            return None, 0
        packed = msgspec.msgpack.encode(telemetry)
        if len(packed) < LEAST_BYTES:
            return telemetry, 0
        # To its readers it is what it stands for.
        lazy: Telemetry = self._store.put(packed, _TELEMETRY.decode)  # type: ignore[assignment]
        return lazy, len(packed)
