import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from suite.errors import BadInput, WrongMachine
from suite.run.case import compile_cache


def test_a_second_launch_is_warm_and_another_case_is_not(tmp_path: Path):
    """What a good launch compiled is found by the same case only."""
    folder, cache = compile_cache.prepare(tmp_path, "a", tmp_path / "cache", ran=False)
    assert cache == "cold"
    (folder / "triton").mkdir()
    (folder / "triton" / "kernel").write_text("kernel")
    assert compile_cache.prepare(tmp_path, "a", tmp_path / "cache", ran=True) == (folder, "warm")
    assert compile_cache.prepare(tmp_path, "b", tmp_path / "cache", ran=False)[1] == "cold"


def test_what_a_killed_launch_left_is_not_used(tmp_path: Path):
    """Half a cache is removed, so that the first step is a cold one again."""
    folder, _ = compile_cache.prepare(tmp_path, "a", tmp_path / "cache", ran=False)
    (folder / "kernel").write_text("half")
    again, cache = compile_cache.prepare(tmp_path, "a", tmp_path / "cache", ran=False)
    assert (cache, list(again.iterdir())) == ("cold", [])


def test_a_good_launch_on_another_host_leaves_this_one_cold(tmp_path: Path):
    """A run that was carried along without its compiled kernels compiles again."""
    assert compile_cache.prepare(tmp_path, "a", tmp_path / "cache", ran=True)[1] == "cold"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    """A file in the way is the machine's fault, not the case's."""
    (tmp_path / compile_cache.FOLDER).write_text("in the way")
    with pytest.raises(WrongMachine, match="compiled/a: cannot be made"):
        compile_cache.prepare(tmp_path, "a", tmp_path / "cache", ran=False)


def test_what_came_with_a_folder_from_elsewhere_is_not_run(tmp_path: Path):
    """Engines load what they find: a copy of a run, or one with a made-up seal, compiles anew."""
    cache = tmp_path / "cache"
    folder, _ = compile_cache.prepare(tmp_path, "a", cache, ran=False)
    (folder / "kernel").write_text("code of a stranger")
    assert compile_cache.prepare(tmp_path, "a", cache, ran=True)[1] == "warm"
    shutil.copytree(tmp_path / compile_cache.FOLDER, tmp_path / "elsewhere" / compile_cache.FOLDER)
    again, found = compile_cache.prepare(tmp_path / "elsewhere", "a", cache, ran=True)
    assert (found, list(again.iterdir())) == ("cold", [])
    (again / "kernel").write_text("code of a stranger")
    (again.parent / ".a.made").write_text("0" * 64)
    assert compile_cache.prepare(tmp_path / "elsewhere", "a", cache, ran=True)[1] == "cold"
    assert (cache / compile_cache.KEY).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", [compile_cache.FOLDER, f"{compile_cache.FOLDER}/a"])
def test_removing_what_is_compiled_follows_no_link(tmp_path: Path, name: str):
    """Neither making room nor clearing up touches what a link leads to."""
    run, victim = tmp_path / "run", tmp_path / "victim"
    (run / name).parent.mkdir(parents=True)
    (victim / "a").mkdir(parents=True)
    (victim / "a" / "file").write_text("precious")
    (run / name).symlink_to(victim)
    with suppress(BadInput):
        compile_cache.prepare(run, "a", tmp_path / "cache", ran=False)
    compile_cache.remove(run)
    assert (victim / "a" / "file").read_text() == "precious"
    assert not (run / name).exists()
