"""Samples laid over phases and steps, on a GPU that is made up but a process that is real."""

import os
import subprocess
import sys
import threading
import time

import msgspec
import pytest

from suite.catalog import profile as profiles
from suite.results.record import seal
from suite.run.case import telemetry
from suite.run.case.measurement import Measurement, worker_environment
from suite.run.case.session import Span
from suite.run.case.telemetry import NOT_LISTED, Sampler, descends
from suite.run.machine.nvml import open_gpu
from suite.wire import Phase
from support import fake_gpu
from support.run_settings import Silent, setting, short_case

MIB = fake_gpu.MIB


@pytest.fixture
def fake(monkeypatch):
    return fake_gpu.install(monkeypatch)


def sampled(fake, readings, worker):
    """Sample once for each list of processes, then stop."""
    seen = threading.Event()
    answers = iter(readings)

    def processes(handle):
        found = next(answers, None)
        if found is None:
            seen.set()
            return []
        return [fake_gpu.process(*pair) for pair in found]

    fake.nvmlDeviceGetComputeRunningProcesses.side_effect = processes
    sampler = Sampler(open_gpu(), period_seconds=0.005)
    sampler.watch(worker)
    sampler.start()
    assert seen.wait(5)
    sampler.stop()
    return sampler


def test_columns_have_one_value_per_sample(fake):
    """Energy counts from the first sample, time from the start; steps are on the same clock."""
    energies = iter(range(1_000_000, 2_000_000, 50_000))
    fake.nvmlDeviceGetTotalEnergyConsumption.side_effect = lambda handle: next(energies)
    began = time.monotonic()

    sampler = sampled(fake, [[(os.getpid(), MIB)]] * 4, os.getpid())
    seen = sampler.telemetry([Span(began=began, ended=began + 1)])

    columns = [
        getattr(seen, name)
        for name in seen.__struct_fields__
        if isinstance(getattr(seen, name), tuple) and name != "step_elapsed_seconds"
    ]
    assert {len(column) for column in columns} == {len(seen.elapsed_seconds)}
    assert seen.energy_joules[:3] == (0, 50, 100)
    assert seen.power_watts[0] == 512.345
    assert list(seen.elapsed_seconds) == sorted(seen.elapsed_seconds)
    (step,) = seen.step_elapsed_seconds
    assert step[1] - step[0] == pytest.approx(1)
    assert abs(step[0]) < 1
    assert seen.unavailable == {}


def test_memory_of_the_workers_children_is_the_workers(fake):
    """Descendants count, strangers do not; each phase gets the highest sample inside it."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        mine = [(os.getpid(), 10 * MIB), (child.pid, 5 * MIB), (1, 700 * MIB)]
        sampler = sampled(fake, [mine, mine, [(os.getpid(), 2 * MIB)]], os.getpid())
    finally:
        child.communicate()
    now = time.monotonic()
    phases = [Phase(name="load", seconds=1.0), Phase(name="steady", seconds=1.0)]
    spans = [Span(began=0, ended=now), Span(began=now + 1, ended=now + 2)]

    load, steady = sampler.with_peaks(phases, spans)
    seen = sampler.telemetry([])

    assert load.memory.nvml_process_peak_bytes == 15 * MIB
    assert load.memory.unavailable == {}
    assert steady.memory.nvml_process_peak_bytes is None
    assert "between samples" in steady.memory.unavailable["nvml_process_peak_bytes"]
    assert seen.process_memory_bytes[:3] == (15 * MIB, 15 * MIB, 2 * MIB)
    assert seen.foreign_processes == 1


def test_another_pid_namespace_is_not_mistaken_for_strangers(fake):
    """Where the worker is not listed under its own number, nobody is called foreign."""
    sampler = sampled(fake, [[(1, MIB)]] * 3, os.getpid())
    seen = sampler.telemetry([])

    assert seen.foreign_processes == 0
    assert seen.unavailable["process_memory_bytes"] == NOT_LISTED
    assert telemetry.checks(seen)[0].status == "unknown"


def test_what_nvml_refuses_is_null_with_its_reason(fake):
    """No energy counter, no per-process list: nulls, and the words why."""
    fake.nvmlDeviceGetTotalEnergyConsumption.side_effect = fake_gpu.unsupported()
    sampler = sampled(fake, [[(os.getpid(), None)]] * 2, os.getpid())
    seen = sampler.telemetry([])

    assert set(seen.energy_joules) == {None}
    assert "Not Supported" in seen.unavailable["energy_joules"]
    assert set(seen.process_memory_bytes) == {None}
    assert seen.unavailable["process_memory_bytes"]


def test_strangers_and_slowdowns_fail_their_checks(fake):
    """Each in words; a slowdown counts only inside a step."""
    fake.nvmlDeviceGetCurrentClocksEventReasons.return_value = 0x40
    sampler = sampled(fake, [[(os.getpid(), MIB), (1, MIB)]] * 3, os.getpid())
    inside = sampler.telemetry([Span(began=0, ended=time.monotonic())])
    outside = sampler.telemetry([])

    alone, speed = telemetry.checks(inside)
    assert (alone.status, speed.status) == ("failed", "failed")
    assert alone.detail == "1 other process computed on this GPU"
    assert speed.detail.startswith("hardware thermal slowdown in ")
    assert telemetry.checks(outside)[1].status == "unknown"


def test_a_case_on_a_gpu_has_telemetry_in_its_record(fake, tmp_path):
    """The whole way: a real worker process, listed by the made-up GPU, peaks in each phase."""
    sessions = []

    def processes(handle):
        return [fake_gpu.process(one._session.process.pid, 3 * MIB) for one in sessions]

    fake.nvmlDeviceGetComputeRunningProcesses.side_effect = processes
    case = msgspec.structs.replace(short_case(), steady_steps=150)
    given = setting(tmp_path, "well", gpu=open_gpu(), profile=profiles.load("h200-sxm"))
    measurement = Measurement(case, given, Silent(), seal)
    try:
        measurement.warm_up()
        sessions.append(measurement)
        time.sleep(0.3)
        record = measurement.finish()
    finally:
        measurement.close()

    assert record.outcome == "ok"
    assert record.telemetry.period_seconds == 0.1
    assert len(record.telemetry.step_elapsed_seconds) == len(record.steps)
    assert 3 * MIB in record.telemetry.process_memory_bytes
    assert [check.name for check in record.checks[-2:]] == ["alone on the GPU", "not slowed down"]
    assert "nvml_process_peak_bytes" in record.phases[0].memory.unavailable


def test_a_neighbour_that_computes_is_noted_in_the_record(fake, tmp_path):
    """Also one that began after the preflight; an idle one is not worth a word."""
    fake.nvmlDeviceGetCount.return_value = 2
    fake.nvmlDeviceGetHandleByIndex.side_effect = lambda index: index
    fake.nvmlDeviceGetUUID.side_effect = lambda index: f"GPU-{index}"
    busy = []
    fake.nvmlDeviceGetComputeRunningProcesses.side_effect = lambda index: busy if index else []

    def notes():
        given = setting(tmp_path, "well", gpu=open_gpu(), profile=profiles.load("h200-sxm"))
        measurement = Measurement(short_case(), given, Silent(), seal)
        try:
            measurement.warm_up()
            return [note for note in measurement.finish().notes if "other GPU" in note]
        finally:
            measurement.close()

    assert notes() == []
    busy.append(fake_gpu.process(1, MIB))
    (note,) = notes()
    assert note.startswith("1 other GPU of this machine computed meanwhile")


def test_a_worker_sees_one_gpu_or_none(fake):
    """The GPU that is watched is the one that trains; the CPU profile hides all."""
    assert worker_environment({}, [open_gpu()])["CUDA_VISIBLE_DEVICES"] == "GPU-11111111-2222"
    assert worker_environment({"CUDA_VISIBLE_DEVICES": "0"}, [])["CUDA_VISIBLE_DEVICES"] == ""


def test_a_descendant_is_told_from_a_stranger():
    """Through parents, through the session, and not at all."""
    assert descends(os.getpid(), os.getppid())
    assert descends(os.getpid(), os.getpid())
    assert not descends(os.getppid(), os.getpid())
    assert not descends(2**22 + 1, os.getpid())
