"""Launches in real containers, ended in every way; nothing of them may be left."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from suite.errors import WrongMachine
from suite.paths import ROOT
from suite.results.storage import run_folder
from suite.run.case import compile_cache
from suite.run.containers import container, launches, owner
from suite.run.containers.container import Launched, Spec, arguments
from suite.run.containers.engine import DockerEngine, connect
from suite.run.containers.place import Place, place
from support import records
from support.containers import CASES, IMAGE, engine, forwarded, image, ours, tls_files
from support.desk import Desk

__all__ = ["engine", "image"]


def container_of(engine: DockerEngine, run: Path):
    plan = run_folder.read_plan(run)
    found = {"label": f"{owner.RUN}={plan.run_id}"}
    (container,) = engine.client.containers.list(all=True, filters=found)
    return container


def test_a_launch_in_a_container_is_recorded(
    engine: DockerEngine, image: str, tmp_path: Path
) -> None:
    """The record says where it ran, progress is the usual one, and the files are the user's."""
    desk = Desk(*CASES, "--methods", "lora", "--out", str(tmp_path / "run"), cache=tmp_path / "c")
    told = [str(event["event"]) for event in desk.events()]
    code, errors = desk.finish()
    assert code == 0, errors
    assert told[:4] == ["run-begun", "case-begun", "phase-begun", "phase-begun"]
    assert told[-2:] == ["case-ended", "run-ended"]
    assert told.count("step-done") >= 16

    found = run_folder.read([tmp_path / "run"])
    (record,) = found.records
    around = record.environment
    assert (record.outcome, around.runner, found.plans[0].runner) == ("ok", "docker", "docker")
    made = engine.client.images.get(image)
    assert around.container is not None
    assert (around.container.image, around.container.image_id) == (image, made.id)
    assert around.container.lock_hash == made.labels["tunebench.lock"]
    assert around.container.engine_version == engine.version
    assert around.container.same_gpu is None
    assert {one.name for one in around.preflight} >= {"image", "shared memory"}
    assert around.unavailable.get("revision") is None
    written = [tmp_path / "run" / name for name in ("journal.jsonl", "launch-1.json")]
    assert {path.stat().st_uid for path in written} == {os.getuid()}


def test_a_killed_container_is_said_and_the_run_goes_on(
    engine: DockerEngine, image: str, tmp_path: Path
) -> None:
    """Somebody's docker kill in the second case: the first one's record is safe."""
    run, cache = tmp_path / "run", tmp_path / "cache"
    desk = Desk(*CASES, "--methods", "lora,full", "--out", str(run), cache=cache)
    desk.until(event="case-begun", number=2)
    container_of(engine, run).kill()
    code, errors = desk.finish()
    assert code == 3
    assert "was stopped by somebody else" in errors
    assert f"1 of 2 results are safe in {run}" in errors
    assert f"--resume {run}" in errors

    again = Desk("--resume", str(run), cache=cache)
    code, errors = again.finish()
    assert code == 0, errors
    found = run_folder.read([run])
    assert [record.method for record in found.records] == ["lora", "full"]
    assert {record.environment.runner for record in found.records} == {"docker"}
    assert found.problems == ()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_takes_the_container_along(
    engine: DockerEngine, image: str, tmp_path: Path, number: signal.Signals
) -> None:
    """It ends in order and is removed; the code is the signal's, and the hint how to go on."""
    run = tmp_path / "run"
    desk = Desk(*CASES, "--methods", "lora", "--out", str(run), cache=tmp_path / "cache")
    desk.until(event="step-done", done=2)
    desk.process.send_signal(number)
    code, errors = desk.finish()
    assert code == 128 + number, errors
    assert f"--resume {run}" in errors
    assert ours(engine) == set()
    with run_folder.open_run(run) as opened:  # nobody holds it
        assert opened.records == ()


def test_a_second_signal_takes_the_container_along(
    engine: DockerEngine, image: str, tmp_path: Path
) -> None:
    """An impatient Ctrl-C cuts the launch short, and what is left of its container as well."""
    run = tmp_path / "run"
    desk = Desk(*CASES, "--methods", "lora", "--out", str(run), cache=tmp_path / "cache")
    desk.until(event="step-done", done=2)
    desk.process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    desk.process.send_signal(signal.SIGINT)
    code, errors = desk.finish()
    assert code == 130, errors
    assert ours(engine) == set()


def test_a_killed_owner_leaves_nothing_running(
    engine: DockerEngine, image: str, tmp_path: Path
) -> None:
    """kill -9 here ends the launch there, and the next start takes the rest away."""
    run, cache = tmp_path / "run", tmp_path / "cache"
    desk = Desk(*CASES, "--methods", "lora", "--out", str(run), cache=cache)
    desk.until(event="step-done", done=2)
    alone = container_of(engine, run)
    desk.process.kill()
    desk.finish()
    assert alone.wait(timeout=30)["StatusCode"] == 143

    again = Desk("--resume", str(run), cache=cache)
    code, errors = again.finish()
    assert code == 0, errors
    assert len(run_folder.read([run]).records) == 1


def test_a_container_that_cannot_be_made_leaves_the_run_as_it_was(
    engine: DockerEngine, image: str, tmp_path: Path
) -> None:
    """A name that is taken: whose it is cannot be known, so it stays and is named."""
    run, cache = tmp_path / "run", tmp_path / "cache"
    plan = records.plan(methods=("lora",), runner="docker")
    with run_folder.create(run, plan):
        pass
    name = f"tunebench-{plan.run_id}-1"
    foreign = engine.client.containers.create(image, name=name, network_mode="none")
    try:
        code, errors = Desk("--resume", str(run), cache=cache).finish()
        foreign.reload()
    finally:
        foreign.remove(force=True)
    assert code == 3
    assert f"a container named {name} exists already" in errors
    assert f"docker rm --force {name}" in errors


def spec(engine: DockerEngine, run: run_folder.Run, where: Place) -> Spec:
    found = records.container(image_id=engine.client.images.get(IMAGE).id)
    return launches.specification(engine, run, 1, found, where, "4321:4321", "abc-dirty")


def test_the_engine_is_asked_for_as_little_as_training_needs(
    engine: DockerEngine, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the engine itself says of a container made with our arguments."""
    monkeypatch.setenv("TUNEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("HF_TOKEN", "secret")
    plan = records.plan(methods=("lora",), runner="docker")
    with (
        run_folder.create(tmp_path / "run", plan) as run,
        place(engine, run, image, "4321:4321", {}) as where,
    ):
        made = engine.client.containers.create(**arguments(spec(engine, run, where)))
        try:
            seen = engine.client.api.inspect_container(made.id)
        finally:
            made.remove()
    host, config = seen["HostConfig"], seen["Config"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["Privileged"] is False
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["NetworkMode"] == "none"
    assert host["PidMode"] == ""
    assert 0 < host["Memory"] == host["MemorySwap"] < engine.memory_bytes
    assert host["ShmSize"] == engine.memory_bytes // 2
    assert host["PidsLimit"] == 16384
    assert set(host["Tmpfs"]) == {"/tmp"}
    assert not host["DeviceRequests"]
    mounted = {one["Destination"]: (one["Source"], one["RW"]) for one in seen["Mounts"]}
    assert mounted == {
        "/tunebench": (str(ROOT), False),
        "/results": (str(tmp_path / "run"), True),
        "/cache": (str(tmp_path / "cache"), True),
    }
    assert config["User"] == "4321:4321"
    assert config["Labels"][owner.RUN] == plan.run_id
    assert not owner.gone(config["Labels"][owner.OWNER])
    told = dict(one.split("=", 1) for one in config["Env"])
    assert (told["OMP_NUM_THREADS"], told["TUNEBENCH_REVISION"]) == ("3", "abc-dirty")
    assert "HF_TOKEN" not in told  # for weights from a hub only


def test_a_gpu_is_asked_for_and_its_absence_is_said(
    engine: DockerEngine, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request reaches the engine; one without NVIDIA's runtime is named, with the way out."""
    monkeypatch.setenv("TUNEBENCH_CACHE", str(tmp_path / "cache"))
    if "nvidia" in (engine.client.info().get("Runtimes") or {}):
        pytest.skip("this engine has NVIDIA's runtime, and no test may take its GPU")
    plan = records.plan(methods=("lora",), runner="docker", profile="h200-sxm")
    with (
        run_folder.create(tmp_path / "run", plan) as run,
        place(engine, run, image, "0:0", {}) as where,
    ):
        wanted = spec(engine, run, where)
        made = engine.client.containers.create(**arguments(wanted))
        try:
            (request,) = engine.client.api.inspect_container(made.id)["HostConfig"][
                "DeviceRequests"
            ]
        finally:
            made.remove()
        assert (request["Count"], request["Capabilities"]) == (-1, [["gpu"]])
        assert wanted.environment["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
        (by_name,) = arguments(replace(wanted, cdi=True))["device_requests"]
        assert (by_name["Driver"], by_name["DeviceIDs"]) == ("cdi", ["nvidia.com/gpu=all"])
        refusing = pytest.raises(WrongMachine, match="no NVIDIA runtime")
        with refusing as refused, Launched(engine, wanted):
            pass
    assert "NVIDIA Container Toolkit" in refused.value.hint
    assert ours(engine) == set()


@contextmanager
def elsewhere(folder: Path, *options: str) -> Iterator[Desk]:
    """A run with the engine behind TCP with TLS; the cache here is not to be made."""
    _, certificates = tls_files(folder)
    with forwarded(certificates) as address:
        yield Desk(
            *CASES,
            *options,
            cache=folder / "never",
            DOCKER_HOST=address,
            DOCKER_TLS_VERIFY="1",
            DOCKER_CERT_PATH=str(certificates),
        )


def test_an_engine_elsewhere_gets_copies_and_gives_results_back(
    engine: DockerEngine, image: str, tmp_path: Path
) -> None:
    """Over TCP with TLS, two launches; no folder is shared, and no volume stays but the cache."""
    run = tmp_path / "run"
    options = ["--methods", "lora", "--launches", "2", "--out", str(run)]
    with elsewhere(tmp_path, *options) as desk:
        code, errors = desk.finish()
    assert code == 0, errors
    found = run_folder.read([run])
    assert [(record.launch, record.outcome) for record in found.records] == [(1, "ok"), (2, "ok")]
    assert found.problems == ()
    assert (run / "launch-1.json").is_file()
    assert (run / "launch-2.json").is_file()
    assert not (tmp_path / "never").exists()


def test_an_engine_elsewhere_loses_no_record_when_interrupted(
    engine: DockerEngine, image: str, tmp_path: Path
) -> None:
    """The first case's record is here before the second begins; containers and volumes go."""
    run = tmp_path / "run"
    with elsewhere(tmp_path, "--methods", "lora,full", "--out", str(run)) as desk:
        desk.until(event="case-begun", number=2)
        desk.process.send_signal(signal.SIGINT)
        code, errors = desk.finish()
    assert code == 130, errors
    assert [record.method for record in run_folder.read([run]).records] == ["lora"]
    assert (run / "launch-1.json").is_file()
    assert ours(engine) == set()


def test_volumes_of_an_engine_elsewhere_are_the_users(
    engine: DockerEngine, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user without a name writes results and cache, and cannot write the suite."""
    _, certificates = tls_files(tmp_path)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    plan = records.plan(methods=("lora",), runner="docker")
    script = "touch /results/a /cache/a; test -f /tunebench/suite/cli.py; touch /tunebench/a"
    with forwarded(certificates) as address, run_folder.create(tmp_path / "run", plan) as run:
        monkeypatch.setenv("DOCKER_HOST", address)
        labels = {owner.RUN: plan.run_id, owner.OWNER: owner.me()}
        with connect() as far, place(far, run, image, "4321:4321", labels) as where:
            wanted = spec(far, run, where)
            changed = {**arguments(wanted), "entrypoint": ["sh", "-c", script], "command": []}
            made = far.client.containers.create(**{**changed, "log_config": None})
            try:
                made.start()
                assert made.wait(timeout=60)["StatusCode"] == 1
                said = made.logs().decode()
            finally:
                made.remove(force=True)
        engine.client.volumes.get("tunebench-cache-4321").remove()
    assert said.strip() == "touch: cannot touch '/tunebench/a': Read-only file system"


def test_an_error_inside_is_one_here(engine: DockerEngine, image: str, tmp_path: Path) -> None:
    """What cannot be written there: exit 3, and the folder by its name on this side."""
    run, cache = tmp_path / "run", tmp_path / "cache"
    with run_folder.create(run, records.plan(methods=("lora",), runner="docker")):
        (run / compile_cache.FOLDER).write_text("in the way")
    code, errors = Desk("--resume", str(run), cache=cache).finish()
    assert code == 3
    assert str(run) in errors
    assert "/results" not in errors
    assert "Traceback" not in errors


def test_only_what_is_known_to_be_gone_is_gone() -> None:
    """A living process, another machine's and a stranger's label stay; a dead one's goes."""
    mine = owner.me()
    assert not owner.gone(mine)
    home, boot, pid, began = mine.split(" ")
    assert not owner.gone(f"elsewhere {boot} {pid} {began}")
    assert not owner.gone("")
    assert owner.gone(f"{home} {boot} {pid} 1")  # the number was used again
    assert owner.gone(f"{home} earlier {pid} {began}")
    with subprocess.Popen(["sleep", "0"]) as dead:
        dead.wait()
    deadline = time.monotonic() + 5
    while not owner.gone(f"{home} {boot} {dead.pid} 7"):
        assert time.monotonic() < deadline


def test_a_container_that_hangs_is_ended(
    engine: DockerEngine, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No word for longer than any phase may take: it is asked to end, then killed, and gone."""
    monkeypatch.setenv("TUNEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(container, "STOP_SECONDS", 1)
    plan = records.plan(methods=("lora",), runner="docker")
    with (
        run_folder.create(tmp_path / "run", plan) as run,
        place(engine, run, image, "0:0", {}) as where,
    ):
        deaf = "trap '' INT TERM; echo awake; while :; do sleep 1; done"
        hung = replace(spec(engine, run, where), entrypoint=("sh", "-c", deaf), command=())
        launched = Launched(engine, hung)
        with pytest.raises(WrongMachine, match="nothing heard from container"), launched:
            list(launched.events(1.5))
    assert list(launched.tail) == ["awake"]
    assert ours(engine) == set()
