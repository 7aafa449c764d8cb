"""The image saved on one engine and loaded on another, Docker and Podman, without a network."""

import signal
from pathlib import Path

import pytest

from suite.errors import WrongMachine
from suite.results.storage import run_folder
from suite.run.containers.engine import DockerEngine, connect
from support.containers import CASES, engine, image, ours
from support.desk import Desk
from support.second_engines import second_docker, second_podman

__all__ = ["engine", "image"]


def test_a_saved_image_trains_on_another_docker(
    engine: DockerEngine, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaded there it has the id that it has here, and trains on an engine without a network."""
    run = tmp_path / "run"
    with second_docker() as second:
        monkeypatch.setenv("DOCKER_HOST", second.address)
        second.carry_image(engine.address)
        desk = Desk(*CASES, "--methods", "lora", "--out", str(run), cache=tmp_path / "cache")
        code, errors = desk.finish()
        with connect() as there:
            assert ours(there) == set()
    assert code == 0, errors
    (record,) = run_folder.read([run]).records
    around = record.environment.container
    assert (record.outcome, around.engine_version) == ("ok", engine.version)
    assert around.image_id == engine.client.images.get(image).id


def test_podman_is_an_engine(
    engine: DockerEngine, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing image is said, a loaded one trains, Ctrl-C leaves nothing, --resume goes on."""
    run, cache = tmp_path / "run", tmp_path / "cache"
    with second_podman() as second:
        monkeypatch.setenv("DOCKER_HOST", second.address)
        absent = Desk(
            *(*CASES, "--methods", "lora,full", "--out", str(run)),
            cache=cache,
            TUNEBENCH_IMAGE="registry.invalid/tunebench/cpu:1",
        )
        code, errors = absent.finish()
        assert code == 3
        assert "is missing and cannot be pulled: no network" in errors

        second.carry_image(engine.address)
        first = Desk("--resume", str(run), cache=cache)
        first.until(event="case-begun", number=2)
        first.process.send_signal(signal.SIGINT)
        code, errors = first.finish()
        assert code == 130, errors
        with connect() as there:
            assert ours(there) == set()
            assert there.podman
            version = there.version
            if version.startswith("Podman 4."):  # a request for GPUs would be dropped
                with pytest.raises(WrongMachine, match="gives no GPU to a container"):
                    there.need_gpus()
        code, errors = Desk("--resume", str(run), cache=cache).finish()
        assert code == 0, errors
        with connect() as there:
            assert ours(there) == set()
    found = run_folder.read([run])
    assert [(one.method, one.outcome) for one in found.records] == [("lora", "ok"), ("full", "ok")]
    assert version.startswith("Podman ")
    for record in found.records:
        around = record.environment.container
        assert around.engine_version == version
        assert around.image_id == engine.client.images.get(image).id
