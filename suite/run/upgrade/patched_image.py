"""Other versions of packages, laid over an image: what an upgrade would bring, in containers.

They are downloaded here, for the Python of the image, and put before its own packages in an image
made from it, without a network. Such images stay, and are found again by what they hold.
"""

import hashlib
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from email.parser import HeaderParser
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

from suite.errors import WrongMachine
from suite.results.record import Container
from suite.results.storage.run_folder import Run
from suite.run.containers import image, launches, layer
from suite.run.containers.engine import DockerEngine
from suite.run.launch import OneLaunch
from suite.run.upgrade import package_index
from suite.run.upgrade.package_index import NotInstallable, Target


class PatchedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image to launch in: that of an ``ImageEnvironment``, or one with other versions."""

    engine: DockerEngine
    container: Container

    def ready(self, run: Run) -> AbstractContextManager[OneLaunch]:
        """Yield what carries out a launch of the run in it, by the launch's number."""
        return launches.ready(self.engine, run, self.container)


class ImageEnvironment:
    """An image that other versions are laid over."""

    def __init__(
        self, engine: DockerEngine, container: Container, name: str, target: Target
    ) -> None:
        self.target = target
        self.image_id = container.image_id
        self._container = container
        self._engine = engine
        self._name = name

    def make(self, packages: Mapping[str, str]) -> PatchedImage:
        """Return the image with these versions, built unless the engine has it."""
        if not packages:
            return PatchedImage(engine=self._engine, container=self._container)
        wanted = package_index.pins(packages)
        recipe = "\n".join([self._container.image_id, layer.DOCKERFILE, *wanted])
        key = hashlib.sha256(recipe.encode()).hexdigest()[:16]
        made = layer.find(self._engine, key)
        if made is None:
            said = f"tunebench: laying {', '.join(wanted)} over {self._container.image} (once)"
            print(said, file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory(prefix="tunebench-") as folder:
                fresh = Path(folder) / "packages"
                package_index.install(packages, self.target, fresh)
                made = layer.build(self._engine, self._container, fresh, key)
        try:
            held = _packages(layer.look(self._engine, made))
        except layer.DoesNotStart as error:
            raise NotInstallable(f"{', '.join(wanted)}: {error.message}") from error
        if other := {name for name in packages if held.get(name) != packages[name]}:
            raise WrongMachine(f"{made} does not have the versions it was made with: {other}")
        return PatchedImage(
            engine=self._engine, container=image.named(self._engine, made, self._name)
        )


@contextmanager
def image_environment(
    engine: DockerEngine, container: Container, name: str
) -> Iterator[ImageEnvironment]:
    """Yield an image as an environment; ``name`` is its folder in docker/.

    Raises NotInstallable for one that nothing starts in.
    """
    try:
        inside = layer.look(engine, container.image)
    except layer.DoesNotStart as error:
        raise NotInstallable(error.message) from error
    with tempfile.TemporaryDirectory(prefix="tunebench-") as folder:
        target = Target(
            packages=_packages(inside),
            python=_stand_in(Path(folder), inside),
            platform=tuple(_platform(inside)),
            markers={
                "python_full_version": inside.python,
                "python_version": _minor(inside),
                "platform_machine": inside.machine,
                "platform_system": "Linux",
                "sys_platform": "linux",
            },
        )
        yield ImageEnvironment(engine, container, name, target)


def _packages(inside: layer.Inside) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, version, _ in _read(inside):
        found.setdefault(canonicalize_name(name), version)
    return found


def _read(inside: layer.Inside) -> Iterator[tuple[str, str, str]]:
    """Yield name, version and metadata of each package."""
    for text in inside.metadata:
        headers = HeaderParser().parsestr(text)
        if headers["Name"] and headers["Version"]:
            yield headers["Name"], headers["Version"], text


def _stand_in(folder: Path, inside: layer.Inside) -> str:
    """Make an environment that holds the image's metadata and no code, and return its Python.

    To pip it is the image's environment: what is there already and what that needs.
    """
    command = [sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise WrongMachine(f"no environment can be made: {(done.stdout + done.stderr).strip()}")
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    for name, version, text in _read(inside):
        stem = f"{canonicalize_name(name).replace('-', '_')}-{version}".replace("/", "_")
        metadata = site / f"{stem}.dist-info"
        metadata.mkdir(exist_ok=True)
        (metadata / "METADATA").write_text(f"{text}\n", encoding="utf-8")
    return str(folder / "bin" / "python")


def _platform(inside: layer.Inside) -> Iterator[str]:
    """Yield pip's options for the image's Python, architecture and C library."""
    yield f"--python-version={_minor(inside)}"
    yield "--implementation=cp"
    major, _, minor = inside.glibc.partition(".")
    newest = int(minor) if major == "2" and minor.isdigit() else 0
    kinds = [f"manylinux_2_{number}" for number in range(newest, 4, -1)]
    for kind in (*kinds, "manylinux2014", "manylinux2010", "manylinux1", "linux"):
        yield f"--platform={kind}_{inside.machine}"


def _minor(inside: layer.Inside) -> str:
    return ".".join(inside.python.split(".")[:2])
