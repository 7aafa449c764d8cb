"""What tests with a real Docker engine share: the engine, an image, and nothing left behind."""

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from suite.errors import WrongMachine
from suite.run.containers import owner
from suite.run.containers.engine import DockerEngine, address, connect
from support import docker_engine

#: Made by tests/docker, or named by hand: packages of this repository's locks, and no more.
IMAGE = os.environ.get("TUNEBENCH_TEST_IMAGE", docker_engine.IMAGE)

CASES = ["--profile", "cpu", "--runner", "docker", "--models", "tiny-qwen3"]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerEngine]:
    """The engine of this machine; every container and volume of ours must be gone afterwards."""
    if not address().startswith("unix://"):
        monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.delenv("TUNEBENCH_IMAGE", raising=False)
    try:
        connected = connect(seconds=60)
    except WrongMachine as error:
        pytest.skip(f"no Docker engine: {error.message}")
    with connected as found:
        before = ours(found)
        yield found
        left = ours(found) - before
        for name in left:
            subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)
        assert left == set()


@pytest.fixture
def image(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> str:
    """An image to train in, which the suite takes for the profile's."""
    from docker.errors import ImageNotFound

    try:
        engine.client.images.get(IMAGE)
    except ImageNotFound:
        pytest.skip(f"no image {IMAGE}: tests/docker makes it")
    monkeypatch.setenv("TUNEBENCH_IMAGE", IMAGE)
    return IMAGE


def ours(engine: DockerEngine) -> set[str]:
    """Names of containers and volumes with our label."""
    containers = engine.client.containers.list(all=True, filters={"label": owner.RUN})
    volumes = engine.client.volumes.list(filters={"label": owner.RUN})
    return {str(one.name) for one in (*containers, *volumes)}


def tls_files(folder: Path) -> tuple[Path, Path]:
    """Make an authority, and with it a certificate for both ends; returns server's and client's.

    The client's folder has the names that DOCKER_CERT_PATH wants.
    """
    client = folder / "certificates"
    client.mkdir()
    authority = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    openssl("req", *authority, "-keyout", f"{folder}/ca.key", "-out", f"{client}/ca.pem")
    ours = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    openssl("req", *ours, "-keyout", f"{client}/key.pem", "-out", f"{folder}/request.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    signed = ["-CA", f"{client}/ca.pem", "-CAkey", f"{folder}/ca.key", "-CAcreateserial"]
    signed += ["-days", "2", "-extfile", f"{folder}/names", "-out", f"{client}/cert.pem"]
    openssl("x509", "-req", "-in", f"{folder}/request.pem", *signed)
    return client / "cert.pem", client


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@contextmanager
def forwarded(certificates: Path) -> Iterator[str]:
    """The engine of this machine as one of another: behind TCP with TLS on both ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as server:
        path = address().removeprefix("unix://")
        threading.Thread(target=_accept, args=(server, context, path), daemon=True).start()
        yield f"tcp://localhost:{server.getsockname()[1]}"


def _accept(server: socket.socket, context: ssl.SSLContext, path: str) -> None:
    while True:
        try:
            plain, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(plain, context, path), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext, path: str) -> None:
    try:
        outer = context.wrap_socket(plain, server_side=True)
    except OSError:
        return
    inner = socket.socket(socket.AF_UNIX)
    inner.connect(path)
    threading.Thread(target=_pump, args=(outer, inner), daemon=True).start()
    _pump(inner, outer)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while part := source.recv(1 << 16):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
