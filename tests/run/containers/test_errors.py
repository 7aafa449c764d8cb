"""What can be wrong with an engine or an image: one clear error each, with what to do."""

import ctypes
import http.server
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from suite.catalog import profile as profiles
from suite.errors import BadInput, WrongMachine
from suite.paths import ROOT
from suite.results.record import Gpu
from suite.run import runner
from suite.run.containers import image as images
from suite.run.containers.engine import DockerEngine, connect
from suite.run.containers.place import own_user
from suite.run.machine import environment
from support import records
from support.containers import engine, image

__all__ = ["engine", "image"]

CASE = ["--profile", "cpu", "--models", "tiny-qwen3", "--methods", "lora"]


def tunebench(*arguments: str, preexec=None, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "suite", "run", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=preexec,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def docker_is_needed() -> None:
    pytest.importorskip("docker.tls")  # docker alone is also a folder here


@contextmanager
def answering(path: Path, version: dict[str, str]) -> Iterator[str]:
    """A server on a socket that answers every question with one version."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(version).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, *arguments: object) -> None:
            pass

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{path}"
        server.shutdown()


@pytest.mark.parametrize("kind", ["absent", "stale", "closed port", "unknown host"])
def test_no_engine(tmp_path: Path, kind: str) -> None:
    """No socket, one that nobody listens to, a closed port: exit 3, where, and what to start."""
    docker_is_needed()
    path = tmp_path / "docker.sock"
    address = f"unix://{path}"
    with socket.socket(socket.AF_UNIX) as stale, socket.create_server(("127.0.0.1", 0)) as taken:
        if kind == "stale":
            stale.bind(str(path))
        elif kind == "closed port":
            address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            taken.close()
        elif kind == "unknown host":
            address = "tcp://engine.invalid:2375"
        out = str(tmp_path / "run")
        code, errors = tunebench(*CASE, "--runner", "docker", "--out", out, DOCKER_HOST=address)
    assert code == 3
    assert f"no Docker engine answers at {address}" in errors
    assert "--runner local" in errors
    assert "DOCKER_HOST" in errors
    assert not (tmp_path / "run").exists()


def test_no_permission_on_the_socket(tmp_path: Path) -> None:
    """The group is named. Tried as a user who may not, also where the tests are root's."""
    docker_is_needed()
    path = tmp_path / "docker.sock"
    with answering(path, {"ApiVersion": "1.44"}) as address:
        path.chmod(0)
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
        code, errors = tunebench(
            *CASE,
            *("--runner", "docker", "--out", str(tmp_path / "run")),
            preexec=without_override if os.geteuid() == 0 else None,
            DOCKER_HOST=address,
        )
    assert code == 3
    assert f"no permission to use the Docker engine at {address}" in errors
    assert "usermod -aG docker" in errors


def without_override() -> None:
    """Root like anybody else before file modes (CAP_DAC_OVERRIDE out of the bounding set)."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


def test_an_engine_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker 18.09 cannot be asked for a GPU."""
    docker_is_needed()
    with answering(tmp_path / "sock", {"Version": "18.09.9", "ApiVersion": "1.39"}) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(WrongMachine, match=r"too old: 18\.09\.9, API 1\.39") as raised:
            connect()
    assert "19.03" in raised.value.hint


def test_an_engine_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts and never answers: auto goes on without it."""
    docker_is_needed()
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(tmp_path / "sock"))
        hung.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/sock")
        with pytest.raises(WrongMachine, match="does not answer in time"):
            connect(seconds=0.2)


def test_wrong_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without them is named before anything is sent."""
    docker_is_needed()
    monkeypatch.setenv("DOCKER_HOST", "tcp://localhost:1")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(WrongMachine, match="no secure connection") as raised:
        connect()
    assert "ca.pem, cert.pem and key.pem" in raised.value.hint


def test_ssh_that_does_not_let_us_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ssh said is in the error."""
    docker_is_needed()
    monkeypatch.setenv("DOCKER_HOST", "ssh://nobody@localhost:1")
    with pytest.raises(WrongMachine, match=r"cannot be reached: .*refused|needs OpenSSH"):
        connect()


def own_image(folder: Path, dockerfile: str, monkeypatch: pytest.MonkeyPatch) -> str:
    (folder / "own").mkdir()
    (folder / "own" / "Dockerfile").write_text(dockerfile)
    (folder / "own" / "lock.txt").write_text(f"# {folder}\n")
    monkeypatch.setattr(images, "FOLDER", folder)
    return images.reference("own")


def test_an_image_is_built_once_and_another_lock_is_another_image(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tag is the lock, so one that is out of date is not found, and made anew."""
    dockerfile = "FROM scratch\nARG LOCK\nCOPY lock.txt /\nLABEL tunebench.lock=${LOCK}\n"
    wanted = own_image(tmp_path, dockerfile, monkeypatch)
    try:
        made = images.ensure(engine, "own", "abc")
        assert made.image == wanted == f"tunebench/own:{made.lock_hash[:12]}"
        assert made.lock_is_current is True
        assert images.ensure(engine, "own", "abc") == made
        (tmp_path / "own" / "lock.txt").write_text("another\n")
        assert images.reference("own") != wanted
        monkeypatch.setenv("TUNEBENCH_IMAGE", wanted)
        older = images.ensure(engine, "own", "abc")
        assert older.lock_is_current is False
    finally:
        engine.client.images.remove(wanted, force=True)
    (finding,) = environment.container_findings(older)
    assert (finding.name, finding.status) == ("image", "warn")
    assert "not those that this repository locks" in finding.detail


def test_a_missing_image_without_a_network(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its base cannot be had, or itself cannot be pulled: mirrors and docker load are named."""
    wanted = own_image(tmp_path, "FROM registry.invalid/base:1\n", monkeypatch)
    with pytest.raises(WrongMachine, match=f"{wanted} cannot be built: no network") as raised:
        images.ensure(engine, "own", None)
    assert "TUNEBENCH_BASE" in raised.value.hint
    assert "docker load" in raised.value.hint
    monkeypatch.setenv("TUNEBENCH_IMAGE", "registry.invalid/tunebench/cpu:1")
    with pytest.raises(WrongMachine, match="is missing and cannot be pulled: no network"):
        images.ensure(engine, "own", None)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("tar: write error: No space left on device", "the disk of the Docker engine is full"),
        ("ERROR: Connection refused: NewConnectionError", "no network"),
        ("ERROR: these packages do not match the hashes", "do not match the hashes"),
    ],
)
def test_a_build_that_fails_says_why(
    engine: DockerEngine,
    image: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    message: str,
) -> None:
    """The last lines of a step that failed are what the error is made of."""
    monkeypatch.delenv("TUNEBENCH_IMAGE")
    own_image(tmp_path, f"FROM {image}\nRUN echo '{said}' >&2; exit 1\n", monkeypatch)
    with pytest.raises(WrongMachine, match=message) as raised:
        images.ensure(engine, "own", None)
    assert raised.value.hint


def test_auto_says_which_and_why(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docker where an engine answers and there is an image, otherwise local with the reason."""
    cpu = profiles.load("cpu")
    assert runner.choose("local", cpu) == ("local", "")
    assert runner.choose("docker", cpu) == ("docker", "")
    monkeypatch.setenv("TUNEBENCH_IMAGE", "any")
    found, why = runner.choose("auto", cpu)
    assert found == "docker"
    assert "an engine answers at unix:///" in why
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    assert runner.choose("auto", cpu)[0] == "local"
    assert "no Docker engine answers" in runner.choose("auto", cpu)[1]
    monkeypatch.delenv("TUNEBENCH_IMAGE")
    monkeypatch.setattr(images, "FOLDER", tmp_path)
    assert runner.choose("auto", cpu) == ("local", "there is no docker/cpu")


def test_a_profile_without_an_image_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """auto says so, docker refuses."""
    bare = msgspec.structs.replace(profiles.load("cpu"), image=None)
    assert runner.choose("auto", bare) == ("local", "profile cpu names no image")
    with pytest.raises(BadInput, match="names no image"):
        runner.choose("docker", bare)


def test_another_machines_profile_must_be_named(tmp_path: Path) -> None:
    """This machine's GPU says nothing about the engine's."""
    code, errors = tunebench(
        *("--runner", "docker", "--dry-run", "--tier", "smoke"),
        DOCKER_HOST="tcp://desk.invalid:2376",
    )
    assert code == 2
    assert "Give its --profile NAME" in errors


def test_a_rootless_engines_root_is_the_user(engine: DockerEngine) -> None:
    """Any other user inside would be a stranger to this user's folders."""
    assert own_user(engine) == f"{os.getuid()}:{os.getgid()}"
    engine.rootless = True
    assert own_user(engine) == "0:0"


def test_the_hosts_gpu_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Same card and driver, another, or nobody asked; a difference is a warning."""
    card = Gpu(name="NVIDIA H200", uuid_hash="0123", driver="580.1")
    told = records.container()
    monkeypatch.setenv(environment.CONTAINER, msgspec.json.encode(told).decode())
    assert environment.container(card).same_gpu is None
    monkeypatch.setenv(environment.HOST_GPU, f"{card.uuid_hash} {card.driver}")
    assert environment.container(card).same_gpu is True
    monkeypatch.setenv(environment.HOST_GPU, f"{card.uuid_hash} 1.2.3")
    found = environment.container(card)
    assert found.same_gpu is False
    assert [one.status for one in environment.container_findings(found)] == ["ok", "warn"]
    monkeypatch.delenv(environment.CONTAINER)
    assert environment.container(card) is None
