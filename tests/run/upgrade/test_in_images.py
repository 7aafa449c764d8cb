"""Other package versions in images made for them, by a real engine: trained, compared, named."""

import importlib.metadata
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.catalog import profile
from suite.cli import main
from suite.errors import BadInput, WrongMachine
from suite.results.record import Record
from suite.results.storage.run_folder import read
from suite.run.containers import image as images
from suite.run.containers import layer
from suite.run.containers.engine import DockerEngine
from suite.run.upgrade import package_index, patched_image
from suite.run.upgrade.open_environments import target_environments
from support import planted
from support.containers import engine, image

__all__ = ["engine", "image"]

ONE_CASE = ["--profile", "cpu", "--models", "tiny-qwen3", "--methods", "lora", "--launches", "3"]


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which pip looks as well, and a cache of this test's own."""
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("TUNEBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "wheels"


@pytest.fixture
def made(engine: DockerEngine) -> Iterator[set[str]]:
    """References of the images that a test leaves, at its end; they are removed then."""

    def layered_images() -> set[str]:
        found = engine.client.images.list(layer.REPOSITORY)
        return {tag for one in found for tag in one.tags}

    before, left = layered_images(), set[str]()
    yield left
    left |= layered_images() - before
    for reference in left:
        engine.client.images.remove(reference, force=True)


@pytest.fixture
def environment(engine: DockerEngine, image: str) -> Iterator[patched_image.ImageEnvironment]:
    with patched_image.image_environment(
        engine, images.named(engine, image, "cpu"), "cpu"
    ) as found:
        yield found


def check(folder: Path, *arguments: str) -> int:
    asked = ["upgrade-check", "--runner", "docker", *arguments, *ONE_CASE, "--out", str(folder)]
    return main(asked)


def peft(record: Record) -> str:
    assert record.environment.versions is not None
    return record.environment.versions.packages["peft"]


def test_two_images_that_differ_in_a_real_package_train_in_turns(
    engine: DockerEngine,
    image: str,
    made: set[str],
    wheels: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The older PEFT is imported on one side only, ABBA; records say what it was made of."""
    out = tmp_path / "out"
    code = check(out, "--base", "peft==0.20.0")
    said = capsys.readouterr().out
    here = importlib.metadata.version("peft")
    assert f"Package peft: 0.20.0 → {here}" in said
    assert code in (4, 5), "three repeats a side are too few to pass, whatever the noise"
    assert code == 5 or "3 of 5 repeats a side" in said
    sides = [read([out / side]).records for side in ("base", "candidate")]
    assert [set(map(peft, side)) for side in sides] == [{"0.20.0"}, {here}]
    begun = sorted((record.started_at, n) for n, side in enumerate(sides) for record in side)
    assert [n for _, n in begun] == [0, 1, 1, 0, 0, 1]
    older, plain = (side[0].environment.container for side in sides)
    assert older is not None
    assert plain is not None
    assert (older.base, older.base_digest) == (image, plain.image_id)
    assert older.lock_hash is None, "it is not what that lock says"
    assert plain.lock_hash is not None


def test_what_nothing_starts_with_or_nobody_has_is_an_answer(
    engine: DockerEngine,
    image: str,
    made: set[str],
    wheels: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 5 and why, before anything is measured: a broken package, an unknown version."""
    version = f"{importlib.metadata.version('pytest_benchmark')}.post9"
    planted.wheel("pytest_benchmark", version, wheels, "\nraise ImportError('planted')\n")
    for wanted, why in (
        (f"pytest-benchmark=={version}", "ImportError: planted"),
        ("peft==99.0", "No matching distribution found for peft==99.0"),
    ):
        assert check(tmp_path / "out", "--candidate", wanted) == 5
        said = capsys.readouterr().out
        assert "Cannot be installed" in said
        assert why in said or "newest is" in said
        assert not (tmp_path / "out").exists()


def test_an_image_is_made_once_and_holds_what_was_asked(
    environment: patched_image.ImageEnvironment, engine: DockerEngine, made: set[str], wheels: Path
) -> None:
    """The second time it is found; another version is another image; no version, the image itself.

    pip resolves against what the image holds: what is there already is not installed again.
    """
    assert environment.target.packages["torch"].endswith("+cpu")
    wanted = package_index.resolve(["peft==0.20.0"], environment.target).packages
    assert wanted == {"peft": "0.20.0"}
    first = environment.make(wanted).container
    created = engine.client.images.get(first.image).attrs["Created"]
    again = environment.make(wanted).container
    assert again.image_id == first.image_id
    assert engine.client.images.get(again.image).attrs["Created"] == created
    assert environment.make({}).container.image_id == environment.image_id
    with patched_image.image_environment(engine, first, "cpu") as other:
        assert other.target.packages["peft"] == "0.20.0"
        newer = other.make({"peft": "0.21.0"}).container
    with patched_image.image_environment(engine, newer, "cpu") as third:
        assert third.target.packages["peft"] == "0.21.0", "a layer over a layer"


def test_images_that_are_named_are_the_sides(
    environment: patched_image.ImageEnvironment,
    engine: DockerEngine,
    image: str,
    made: set[str],
    wheels: Path,
) -> None:
    """One side is the profile's image, the other one by its name, and each says what it holds.

    An image without our packages is no base; as a candidate it is an answer.
    """
    other = environment.make({"peft": "0.20.0"}).container
    cpu = profile.load("cpu")
    with target_environments("docker", cpu, (None, other.image)) as (base, candidate):
        assert (base.image_id, candidate.image_id) == (environment.image_id, other.image_id)
        assert candidate.target.packages == {**base.target.packages, "peft": "0.20.0"}
    bare = f"{layer.REPOSITORY}:bare"
    text = f"FROM {image}\nENV PATH=/usr/bin:/bin\n".encode()
    engine.client.images.build(fileobj=io.BytesIO(text), tag=bare, rm=True)
    with pytest.raises(WrongMachine), target_environments("docker", cpu, (bare, None)):
        pass
    with (
        pytest.raises(package_index.NotInstallable),
        target_environments("docker", cpu, (None, bare)),
    ):
        pass


def test_another_python_than_the_images_takes_a_lock(
    environment: patched_image.ImageEnvironment, tmp_path: Path
) -> None:
    """Its wheels can be had from here, what a requirement needs there cannot be found out."""
    target = package_index.Target(
        packages=environment.target.packages,
        platform=("--python-version=3.99",),
        markers={**environment.target.markers, "python_version": "3.99"},
    )
    with pytest.raises(BadInput, match=r"needs on Python 3\.99"):
        package_index.resolve(["peft==0.20.0"], target)
    lock = tmp_path / "lock.txt"
    lock.write_text("peft==0.20.0\ndill==0.0.1 ; python_version < '3.99'\n")
    assert package_index.resolve([str(lock)], target).packages == {"peft": "0.20.0"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--runner", "docker"], "nothing to compare"),
        (["--candidate-image", "x"], "an image is for containers"),
        (["--runner", "docker", "--candidate-image", "x", "--bisect"], "differ by packages alone"),
        (["--runner", "docker", "--base-image", "x", "--candidate-image", "x"], "nothing to com"),
    ],
)
def test_what_cannot_be_asked_of_images_is_refused(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and a sentence, before an engine is looked for."""
    assert main(["upgrade-check", *arguments, *ONE_CASE]) == 2
    assert says in capsys.readouterr().err
