"""One launch in one container: started, listened to, and gone afterwards whatever happens."""

import contextlib
import queue
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import msgspec

from suite.errors import SuiteError, WrongMachine
from suite.run.containers.engine import DockerEngine, explained
from suite.run.containers.owner import OWNER, STOP_SECONDS
from suite.run.progress.events import AnyEvent, parse

STDOUT = 1
TAIL_LINES = 12
END_SECONDS = 60  #: from the end of its output to its end

#: More threads and processes than any launch has, fewer than a fork bomb needs.
PROCESSES = 16384

#: A share of memory for everybody else, so that the launch is killed before the host's services.
SPARE_BYTES = 1 << 30


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """Something mounted: a folder of this machine, or a volume of the engine."""

    source: str
    target: str
    kind: str = "bind"
    read_only: bool = True


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What a launch is started with.

    ``user`` is "uid:gid"; ``cdi`` says that GPUs are asked for by their names in the Container
    Device Interface, the only request for them that Podman's Docker API honours.
    """

    image: str
    name: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    labels: dict[str, str]
    environment: Mapping[str, str]
    volumes: tuple[Volume, ...]
    user: str
    gpus: bool
    network: bool
    memory_bytes: int
    cpus: str | None = None
    cdi: bool = False


def arguments(spec: Spec) -> dict[str, Any]:
    """Return what the SDK is told: as little as training needs, and limits on that.

    All GPUs are asked for, and one is used: what the others do is part of the record, and a card
    that is not visible cannot be noted as busy.
    """
    from docker.types import LogConfig, Mount

    limit = max(spec.memory_bytes - SPARE_BYTES, spec.memory_bytes // 2)
    return {
        "image": spec.image,
        "name": spec.name,
        "entrypoint": list(spec.entrypoint),
        "command": list(spec.command),
        "labels": spec.labels,
        "environment": dict(spec.environment),
        "mounts": [
            Mount(target=one.target, source=one.source, type=one.kind, read_only=one.read_only)
            for one in spec.volumes
        ],
        "user": spec.user,
        "device_requests": _all_gpus(spec.cdi) if spec.gpus else [],
        "network_mode": "bridge" if spec.network else "none",
        "read_only": True,
        "tmpfs": {"/tmp": "exec,mode=1777"},  # compiled kernels are loaded from there
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "pids_limit": PROCESSES,
        "mem_limit": limit,
        "memswap_limit": limit,  # no swap: it would be measured
        "shm_size": spec.memory_bytes // 2,
        "cpuset_cpus": spec.cpus,
        "stdin_open": True,  # its end tells the launch that we are gone
        "log_config": LogConfig(type="none"),  # we listen; nothing is kept on the engine's disk
    }


def _all_gpus(cdi: bool) -> list[Any]:
    from docker.types import DeviceRequest

    if cdi:
        names = ["nvidia.com/gpu=all"]
        return [DeviceRequest(driver="cdi", device_ids=names, capabilities=[["gpu"]])]
    return [DeviceRequest(count=-1, capabilities=[["gpu"]])]


class Launched:
    """A started container; leaving the context stops and removes it, also on a second Ctrl-C.

    ``collect`` is called between the two, when it can no longer write.
    """

    def __init__(
        self, engine: DockerEngine, spec: Spec, collect: Callable[[Any], None] | None = None
    ) -> None:
        self._engine = engine
        self._spec = spec
        self._collect = collect
        self._container: Any = None
        self._socket: Any = None
        self._lines: queue.SimpleQueue[tuple[int, bytes] | None] = queue.SimpleQueue()
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._failure: SuiteError | None = None
        self.exit_code: int | None = None
        self.out_of_memory = False

    def __enter__(self) -> Self:
        address = self._engine.address
        try:
            with explained(address, "the container cannot be made"):
                self._container = self._engine.client.containers.create(**arguments(self._spec))
                self._listen()
            with explained(address, "the container cannot be started"):
                self._container.start()
        except BaseException:
            self._end_whatever_happens()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end_whatever_happens()

    def events(self, silence_seconds: float) -> Iterator[AnyEvent]:
        """Yield what the launch says until its end, which sets ``exit_code``.

        Raises WrongMachine after ``silence_seconds`` without a word, which no launch needs.
        """
        while True:
            try:
                said = self._lines.get(timeout=silence_seconds)
            except queue.Empty:
                raise WrongMachine(
                    f"nothing heard from container {self._spec.name} for {silence_seconds:g} s;"
                    " it was ended",
                ) from None
            if said is None:
                break
            stream, line = said
            event = parse(line) if stream == STDOUT else None
            if event is not None:
                yield event
            elif text := line.decode(errors="replace").strip():
                self.tail.append(text)
        with explained(self._engine.address, "the container's end is not known"):
            self.exit_code = int(self._container.wait(timeout=END_SECONDS)["StatusCode"])
            self._container.reload()
            self.out_of_memory = bool(self._container.attrs["State"].get("OOMKilled"))

    def _listen(self) -> None:
        which = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        self._socket = self._engine.client.api.attach_socket(self._container.id, params=which)
        raw: socket.socket = getattr(self._socket, "_sock", self._socket)
        raw.settimeout(None)
        reader = threading.Thread(
            target=_read, args=(raw, self._lines.put), name="container-output", daemon=True
        )
        reader.start()

    def _end_whatever_happens(self) -> None:
        """End it in a thread, which no signal interrupts; a second one makes it a kill.

        Not by ``join``: interrupted, it takes the thread for ended (Python before 3.13).
        """
        ended = threading.Event()
        ending = threading.Thread(target=self._end_or_note, args=(ended,), name="container-end")
        interrupted: KeyboardInterrupt | None = None
        while not ended.is_set():
            try:
                if ending.ident is None:
                    ending.start()
                ended.wait()
            except KeyboardInterrupt as interruption:
                interrupted = interruption
                threading.Thread(target=self._kill, daemon=True).start()
        if interrupted is not None:
            raise interrupted
        if self._failure is not None:
            raise self._failure

    def _end_or_note(self, ended: threading.Event) -> None:
        try:
            self._end()
        except SuiteError as error:
            self._failure = error
        finally:
            ended.set()

    def _end(self) -> None:
        from docker.errors import DockerException

        container = self._container or self._half_made()
        if container is None:
            return
        with contextlib.suppress(DockerException, OSError):
            if self.exit_code is None:
                container.stop(timeout=STOP_SECONDS)
        try:
            if self._collect is not None:
                with explained(self._engine.address, "results cannot be fetched"):
                    self._collect(container)
        finally:
            with contextlib.suppress(DockerException, OSError):
                container.remove(force=True, v=True)
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.close()

    def _half_made(self) -> Any:
        """Return what a signal in the middle of its making left without us knowing it, if so."""
        from docker.errors import DockerException

        try:
            found = self._engine.client.containers.get(self._spec.name)
        except (DockerException, OSError):
            return None
        return found if found.labels.get(OWNER) == self._spec.labels[OWNER] else None

    def _kill(self) -> None:
        from docker.errors import DockerException

        with contextlib.suppress(DockerException, OSError):
            if self._container is not None:
                self._container.kill()


def _read(raw: socket.socket, put: Callable[[tuple[int, bytes] | None], None]) -> None:
    """Take the engine's frames apart into whole lines of each stream; None at the end.

    Not by the SDK's reader: it polls the socket, and misses what TLS has already taken off it.
    """
    rest: dict[int, bytes] = {}
    try:
        while header := _exactly(raw, 8):
            stream, size = header[0], int.from_bytes(header[4:], "big")
            *lines, rest[stream] = (rest.get(stream, b"") + _exactly(raw, size)).split(b"\n")
            for line in lines:
                put((stream, line))
    except OSError:
        pass
    for stream, line in rest.items():
        put((stream, line))
    put(None)


def _exactly(raw: socket.socket, size: int) -> bytes:
    """Return that many bytes, or fewer at the end."""
    parts, left = [], size
    while left:
        part = raw.recv(min(left, 1 << 16))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
