"""Records as a collection keeps them: telemetry packed, equal in everything to what was read."""

import hashlib
import os
import re
from pathlib import Path

import msgspec
import pytest

from suite.results import lazy
from suite.results.lazy import Lazy
from suite.results.record import Record, encode, seal
from suite.results.storage import decode, run_folder
from suite.results.telemetry.energy import energy
from suite.wire import HostProbe, Probe
from support import records


def long_record(method: str = "lora", watts: float = 100.0, last: object = 9.0) -> Record:
    """A record with 2,000 samples, some 100 kB of telemetry."""
    times = tuple(0.01 * index for index in range(2000))
    columns = ("sm_clock_mhz", "memory_clock_mhz", "temperature_celsius", "throttle_reasons")
    columns += ("device_memory_bytes", "process_memory_bytes")
    seen = records.telemetry(
        period_seconds=0.01,
        elapsed_seconds=times,
        power_watts=(*(watts,) * 1999, last),
        energy_joules=tuple(watts * time for time in times),
        **dict.fromkeys(columns, (1,) * 2000),
    )
    return seal(msgspec.structs.replace(records.record(method=method), telemetry=seen))


def written(folder: Path, *found: Record) -> Path:
    path = folder / "journal.jsonl"
    path.write_bytes(b"".join(encode(each) + b"\n" for each in found))
    return path


@pytest.mark.parametrize("held", [lazy.MOST_HELD_BYTES, 0], ids=["memory", "disk"])
def test_parked_telemetry_is_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """Packed in memory or on disk, records compute, compare, seal and encode as before."""
    monkeypatch.setattr(lazy, "MOST_HELD_BYTES", held)
    made = [long_record("lora", 100.0), long_record("qlora", 250.0)]
    found = run_folder.read([written(tmp_path, *made)]).records
    assert [type(each.telemetry) for each in found] == [Lazy, Lazy]
    assert list(found) == made
    assert found[0] != found[1]
    assert [energy(each).joules for each in found] == [energy(each).joules for each in made]
    assert [encode(each) for each in found] == [encode(each) for each in made]
    assert [seal(each) for each in found] == made


def test_what_a_run_says_in_each_record_is_kept_once(tmp_path: Path) -> None:
    """How fast the host was differs from record to record; all around it is one object."""

    def made(method: str, rate: float) -> Record:
        host = HostProbe(python_operations_per_second=rate)
        probe = Probe(
            matmul_flops_per_second=1e12,
            matmul="m",
            copy_bytes_per_second=1e10,
            copy="c",
            host=host,
            host_after=host,
        )
        around = msgspec.structs.replace(records.environment(), probe=probe)
        return records.record(method=method, environment=around)

    written_ones = [made("lora", 4e7), made("qlora", 5e7)]
    found = run_folder.read([written(tmp_path, *written_ones)]).records
    assert list(found) == written_ones
    one, other = (record.environment for record in found)
    assert one.versions is other.versions
    assert one.unavailable is other.unavailable
    assert one.probe is not None
    assert other.probe is not None
    assert one.probe.matmul is other.probe.matmul
    assert one.probe.host != other.probe.host


def test_records_outlive_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is gone or changed after reading changes no record, also in a fork."""
    monkeypatch.setattr(lazy, "MOST_HELD_BYTES", 0)
    made = [long_record("lora", watts) for watts in (50.0, 100.0)]
    made[1] = seal(msgspec.structs.replace(made[1], launch=2))
    path = written(tmp_path, *made)
    found = run_folder.read([path]).records
    path.write_bytes(b"")
    path.unlink()
    child = os.fork()
    if child == 0:
        os._exit(0 if [each.telemetry for each in found] == [m.telemetry for m in made] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(found) == made


def test_a_full_disk_keeps_telemetry_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no temporary file can be had, reading goes on."""
    monkeypatch.setattr(lazy, "MOST_HELD_BYTES", 0)
    monkeypatch.setattr(lazy.tempfile, "tempdir", str(tmp_path / "missing"))
    made = long_record()
    assert run_folder.read([written(tmp_path, made)]).records == (made,)


def test_a_parked_record_is_never_encoded_without_its_telemetry(tmp_path: Path) -> None:
    """msgspec alone refuses it; it cannot leave the telemetry out without a word."""
    (found,) = run_folder.read([written(tmp_path, long_record())]).records
    with pytest.raises(TypeError, match="Lazy"):
        msgspec.json.encode(found)


def test_what_a_run_repeats_is_held_once(tmp_path: Path) -> None:
    """Two records of one run share model, hardware and environment, not their methods."""
    made = [seal(records.record(method=name)) for name in ("lora", "qlora")]
    one, two = run_folder.read([written(tmp_path, *made)]).records
    assert one.environment is two.environment
    assert one.case.model is two.case.model
    assert one.case.method != two.case.method


def test_telemetry_is_checked_before_it_is_parked(tmp_path: Path) -> None:
    """A wrong value deep in telemetry is refused by name, whatever the digest says."""
    line = encode(long_record(last=123.456)).replace(b"123.456", b'"much"')
    bare = re.sub(rb'"record_id":"\w+"', b'"record_id":""', line, count=1)
    digest = hashlib.sha256(bare).hexdigest()[:16]
    path = tmp_path / "journal.jsonl"
    good = encode(long_record("qlora"))
    sealed = bare.replace(b'"record_id":""', f'"record_id":"{digest}"'.encode())
    path.write_bytes(sealed + b"\n" + good + b"\n")
    found = run_folder.read([path])
    assert [record.method for record in found.records] == ["qlora"]
    assert "power_watts" in str(found.problems[0])
    assert f"{path}:1" in str(found.problems[0])


def test_a_number_too_large_to_pack_costs_its_record_alone(tmp_path: Path) -> None:
    """A whole number of 400 digits is valid JSON, and refused by the name of its field."""
    seen = records.telemetry(sm_clock_mhz=(10**400,) * 61)
    made = seal(msgspec.structs.replace(records.record(), telemetry=seen))
    found = run_folder.read([written(tmp_path, made, records.record(method="qlora"))])
    assert [record.method for record in found.records] == ["qlora"]
    assert "key 'telemetry.sm_clock_mhz[0]'" in found.problems[0].reason


def test_both_ways_of_reading_agree() -> None:
    """Bytes as written and the same content with spaces in it give one record."""
    made = long_record()
    spaced = encode(made).replace(b'"record_id":', b'"record_id": ', 1)
    assert decode.document(encode(made), Record) == decode.document(spaced, Record) == made
