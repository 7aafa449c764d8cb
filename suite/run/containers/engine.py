"""A Docker engine: where it is, how to reach it, and what is wrong with it in one line."""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from suite.errors import WrongMachine
from suite.run import home
from suite.run.containers.tunnel import Tunnel

#: Requests for GPUs came with Docker 19.03.
OLDEST_API = (1, 40)
PROBE_SECONDS = 5  #: for "does one answer?"
ANSWER_SECONDS = 120  #: for a request that the engine works on

#: One before that takes a request for GPUs, drops it and starts the container without any.
OLDEST_PODMAN_WITH_GPUS = (5, 4)

LOCAL = "Or measure without a container: --runner local."

_FULL = re.compile("no space left on device|disk quota exceeded", re.IGNORECASE)
_NO_GPU = re.compile(
    "could not select device driver|unknown or invalid runtime name|nvidia-container|"
    "nvidia-ctk|unresolvable CDI|failed to discover GPU",
    re.IGNORECASE,
)
_NO_NETWORK = re.compile(
    "dial tcp|no such host|lookup .* on |server misbehaving|i/o timeout|connection refused|"
    "TLS handshake|network is unreachable|name resolution|NewConnectionError|proxyconnect|"
    "context deadline exceeded|Client.Timeout|Max retries",
    re.IGNORECASE,
)


class DockerEngine:
    """A connection to one engine; a context manager that closes it.

    ``remote`` says that it runs on another machine, so that folders here cannot be mounted there.
    ``version`` is Docker's, or "Podman" and its own. ``gives_gpus``: whether NVIDIA Container
    Toolkit is there for it; None where that cannot be seen.
    """

    def __init__(self, client: Any, address: str, tunnel: Tunnel | None) -> None:
        self.client = client
        self.address = address
        self.remote = not address.startswith("unix://")
        self._tunnel = tunnel
        self.version: str = ""
        self.podman = False
        self.memory_bytes = 0
        self.rootless = False
        self.default_runtime = ""
        self.gives_gpus: bool | None = None

    def look(self) -> None:
        """Ask what it is; raises WrongMachine where it does not say."""
        with explained(self.address):
            info = self.client.info()
            parts = self.client.version().get("Components") or []
        self.version = str(info.get("ServerVersion") or "")
        self.podman = any(str(part.get("Name")).startswith("Podman") for part in parts)
        if self.podman:  # its numbers are no Docker's
            self.version = f"Podman {self.version}"
        self.memory_bytes = int(info.get("MemTotal") or 0)
        options = info.get("SecurityOptions") or []  # Docker's place for it; Podman's is its own
        self.rootless = any("rootless" in one for one in options) or bool(info.get("Rootless"))
        self.default_runtime = str(info.get("DefaultRuntime") or "")
        if not self.podman and not self.remote:
            self.gives_gpus = has_toolkit(info)

    def need_gpus(self) -> None:
        """Raise WrongMachine where a request for GPUs would be dropped without a word."""
        if self.podman and _numbers(self.version) < OLDEST_PODMAN_WITH_GPUS:
            oldest = ".".join(map(str, OLDEST_PODMAN_WITH_GPUS))
            raise WrongMachine(
                f"{self.version} gives no GPU to a container made by Docker's API;"
                f" {oldest} is needed",
                hint=f"Use a newer Podman, or Docker. {LOCAL}",
            )

    def close(self) -> None:
        """Let go of it."""
        try:
            self.client.close()
        finally:
            if self._tunnel is not None:
                self._tunnel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def has_toolkit(info: Mapping[str, Any]) -> bool:
    """Return whether Docker on this machine can give a container an NVIDIA GPU.

    ``info`` is what it says of itself: a runtime, or devices it found. A toolkit that it was not
    told of works as well, by the hook that it then looks for.
    """
    runtimes = info.get("Runtimes") or {}
    devices = info.get("DiscoveredDevices") or []
    named = [*runtimes, info.get("DefaultRuntime"), *(str(device) for device in devices)]
    if any("nvidia" in str(name) for name in named):
        return True
    usual = os.pathsep.join(
        [os.environ.get("PATH", ""), "/usr/bin", "/usr/local/bin", "/usr/sbin"]
    )
    return shutil.which("nvidia-container-runtime-hook", path=usual) is not None


def no_toolkit() -> WrongMachine:
    """Return the error for an engine that cannot give a container the GPU."""
    return WrongMachine(
        "the Docker engine cannot give a container this machine's GPU: no NVIDIA runtime",
        hint="Install the NVIDIA Container Toolkit, run nvidia-ctk runtime configure "
        "--runtime=docker, and restart Docker (Podman: nvidia-ctk cdi generate "
        f"--output=/etc/cdi/nvidia.yaml). {LOCAL}",
    )


def address() -> str:
    """Return where the engine is: DOCKER_HOST, else the first usual socket that exists."""
    if chosen := os.environ.get("DOCKER_HOST"):
        return chosen
    usual = Path("/var/run/docker.sock")
    more = [folder / ".docker" / "run" / "docker.sock" for folder in home.own()]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        more.insert(0, Path(runtime) / "docker.sock")
    found = next((path for path in (usual, *more) if path.exists()), usual)
    return f"unix://{found}"


def connect(*, seconds: float = ANSWER_SECONDS) -> DockerEngine:
    """Return the engine of ``address()``; raises WrongMachine with what to do about it."""
    try:
        import docker
        import docker.constants
        from docker.tls import TLSConfig
    except ImportError as error:
        raise WrongMachine(
            f"the Python package docker is not installed ({error})",
            hint=f"Start with ./tunebench, which has it. {LOCAL}",
        ) from error
    where = address()
    tunnel, base, tls = None, where, None
    if where.startswith("ssh://"):
        tunnel = Tunnel(where)
        base = tunnel.base
    certificates = os.environ.get("DOCKER_CERT_PATH")
    if where.startswith("tcp://") and (os.environ.get("DOCKER_TLS_VERIFY") or certificates):
        folder = Path(certificates) if certificates else home.folder() / ".docker"
        with explained(where):
            tls = TLSConfig(
                client_cert=(str(folder / "cert.pem"), str(folder / "key.pem")),
                ca_cert=str(folder / "ca.pem"),
                verify=bool(os.environ.get("DOCKER_TLS_VERIFY")),
            )
    try:
        with explained(where):
            newest = docker.constants.DEFAULT_DOCKER_API_VERSION
            client = _client(base, newest, seconds, tls)
            answer = client.api.version(api_version=False)
            api = str(answer.get("ApiVersion") or "0")
            if _numbers(api) < OLDEST_API:
                raise too_old(str(answer.get("Version") or ""), api)
            if _numbers(api) < _numbers(newest):
                client = _client(base, api, seconds, tls)
        engine = DockerEngine(client, where, tunnel)
        engine.look()
    except BaseException:
        if tunnel is not None:
            tunnel.close()
        raise
    return engine


def _client(base: str, api: str, seconds: float, tls: Any) -> Any:
    import docker

    made = docker.DockerClient(base_url=base, version=api, timeout=seconds, tls=tls or False)
    made.api.trust_env = False  # REQUESTS_CA_BUNDLE would replace the engine's own authority
    return made


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def too_old(version: str, api: str) -> WrongMachine:
    """Return the error for an engine that cannot be asked for GPUs."""
    oldest = ".".join(map(str, OLDEST_API))
    return WrongMachine(
        f"the Docker engine is too old: {version or 'unknown'}, API {api}; {oldest} is needed",
        hint=f"Install Docker 19.03 or newer. {LOCAL}",
    )


@contextmanager
def explained(where: str, doing: str = "") -> Iterator[None]:
    """Turn what the SDK raises into one clear WrongMachine; ``doing`` says at what."""
    from docker.errors import DockerException

    try:
        yield
    except (DockerException, OSError) as error:
        if isinstance(error, FileNotFoundError) and not where.startswith("unix://"):
            raise WrongMachine(f"{error.filename}: {error.strerror}") from error
        raise explain(error, where, doing) from error


def explain(error: BaseException, where: str, doing: str = "") -> WrongMachine:
    """Return the error that says what an exception of the SDK means, and what to do."""
    chain = list(_chain(error))
    text = words(error)
    if re.search("API version .* is lower than|client version .* too (old|new)", text):
        return too_old("", text)
    for test, made in _CAUSES:
        if any(test(one) for one in chain):
            return made(where, text)
    head = f"{doing}: " if doing else ""
    if _FULL.search(text):
        return WrongMachine(
            f"{head}the disk of the Docker engine is full",
            hint="Make room there (docker system df, docker system prune), then run it again.",
        )
    if _NO_GPU.search(text):
        return no_toolkit()
    if conflict := re.search(r'container name "/?([^"]+)" is already in use', text):
        return WrongMachine(
            f"a container named {conflict[1]} exists already, and its owner may still run",
            hint=f"If nobody uses it: docker rm --force {conflict[1]}.",
        )
    if re.search("bind source path does not exist|mounts denied|invalid mount config", text):
        return WrongMachine(
            f"{head}the Docker engine cannot mount a folder of this machine: {text}",
            hint="Share it with the engine, or set DOCKER_HOST if it runs elsewhere.",
        )
    return WrongMachine(f"{head}{text}", hint=LOCAL)


def no_network(text: str) -> bool:
    """Return whether a message of the engine or of pip means that a network is missing."""
    return _NO_NETWORK.search(text) is not None


def disk_full(text: str) -> bool:
    """Return whether a message means that a disk is full."""
    return _FULL.search(text) is not None


def words(error: BaseException) -> str:
    """Return the engine's own words, on one line."""
    explanation = getattr(error, "explanation", None)
    if isinstance(explanation, bytes):
        explanation = explanation.decode(errors="replace")
    return " ".join(str(explanation or error).split())


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and whatever it was made from; the SDK wraps the kernel's three deep."""
    seen: list[BaseException] = []
    left: list[object] = [error]
    while left:
        one = left.pop()
        if not isinstance(one, BaseException) or any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        left += [one.__cause__, one.__context__, *one.args, getattr(one, "reason", None)]


def _no_permission(where: str, text: str) -> WrongMachine:
    return WrongMachine(
        f"no permission to use the Docker engine at {where}",
        hint=f"Join its group (sudo usermod -aG docker $USER, then log in anew). {LOCAL}",
    )


def _no_engine(where: str, text: str) -> WrongMachine:
    return WrongMachine(
        f"no Docker engine answers at {where}",
        hint=f"Start it (systemctl start docker), or set DOCKER_HOST. {LOCAL}",
    )


def _silent(where: str, text: str) -> WrongMachine:
    return WrongMachine(
        f"the Docker engine at {where} does not answer in time",
        hint=f"Look at it with docker info; restart it if that hangs as well. {LOCAL}",
    )


def _bad_tls(where: str, text: str) -> WrongMachine:
    return WrongMachine(
        f"no secure connection to the Docker engine at {where}: {text}",
        hint="DOCKER_CERT_PATH must have ca.pem, cert.pem and key.pem that fit that engine.",
    )


def _named(*names: str) -> Callable[[BaseException], bool]:
    return lambda error: any(kind.__name__ in names for kind in type(error).__mro__)


_CAUSES: list[tuple[Callable[[BaseException], bool], Callable[[str, str], WrongMachine]]] = [
    (_named("PermissionError"), _no_permission),
    (_named("SSLError", "TLSParameterError"), _bad_tls),
    (_named("FileNotFoundError", "ConnectionRefusedError", "gaierror"), _no_engine),
    (_named("NewConnectionError", "ConnectionResetError"), _no_engine),
    (_named("TimeoutError", "Timeout"), _silent),
]
