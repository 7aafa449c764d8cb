"""The CPU image, built and run by a real engine, confined as docker/README.md says."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from packaging.utils import canonicalize_name

from suite.cli import main
from suite.results.storage import run_folder
from support import docker_engine as engine

BYTES_LIMIT = 2_500_000_000
CASES = ["--profile=cpu", "--models=tiny-qwen3", "--methods=lora,unsloth-qlora"]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    engine.need_engine()
    engine.build(tmp_path_factory.mktemp("image"))
    return engine.IMAGE


@pytest.fixture
def mounts(tmp_path: Path) -> list[str]:
    """Folders for results and cache that any user of a container may write to."""
    for name in ("results", "cache"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o1777)
    return [f"--volume={tmp_path}/{name}:/{name}" for name in ("results", "cache")]


def inside(code: str, *options: str) -> str:
    done = engine.run("-c", code, options=["--entrypoint=python", *options])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_image_says_what_it_is_and_is_small(image: str) -> None:
    """Its labels name lock, revision and base; it stays below its size limit, and has no root."""
    found = json.loads(engine.docker("image", "inspect", image).stdout)[0]
    labels = found["Config"]["Labels"]
    assert labels["tunebench.lock"] == engine.lock_hash()
    assert labels["org.opencontainers.image.revision"] == engine.REVISION
    assert labels["org.opencontainers.image.base.digest"] == "sha256:of-the-base"
    assert found["Config"]["User"] == "10001:10001"
    assert found["Size"] < BYTES_LIMIT


def test_another_lock_than_the_label_says_is_not_built(image: str, tmp_path: Path) -> None:
    """A label that lies would file results under packages that did not run."""
    (tmp_path / "local").mkdir()
    (tmp_path / "lock.txt").write_text("six==1.17.0 --hash=sha256:00\n")
    (tmp_path / "Dockerfile").write_bytes((engine.CONTEXT / "Dockerfile").read_bytes())
    base = engine.base(tmp_path)
    arguments = [f"--build-arg=BASE={base}", f"--build-arg=LOCK={engine.lock_hash()}"]
    done = engine.docker("build", "--force-rm", "--network=none", *arguments, str(tmp_path))
    assert done.returncode != 0
    assert "lock.txt: FAILED" in done.stdout + done.stderr


def test_it_holds_the_locked_packages_and_nothing_else(image: str) -> None:
    """Versions installed = versions locked for Linux; no pip, no wheels, no build folder."""
    listing = inside(
        "import importlib.metadata as m; "
        "print(*(f'{d.name}=={d.version}' for d in m.distributions()), sep='\\n')"
    )
    lock = (engine.CONTEXT / "lock.txt").read_text()
    locked = dict(re.findall(r"^([^\s=]+)==(\S+)(?! ; sys_platform == 'win32')", lock, re.M))
    for name in ("colorama", "pywin32"):  # Windows only
        locked.pop(name, None)
    installed = dict(line.split("==") for line in listing.splitlines())
    assert {canonicalize_name(name): version for name, version in installed.items()} == locked
    assert inside("import os; print(os.path.exists('/build'))") == "False"


def test_nothing_is_compiled_when_it_starts(image: str) -> None:
    """Every module that training imports, the standard library's too, has its bytecode, and
    copying cannot outdate it: the root is read-only, so each worker would compile it again."""
    assert inside(
        "import sys, pathlib, trl, peft, datasets, bitsandbytes\n"
        "specs = [s for m in list(sys.modules.values()) if (s := getattr(m, '__spec__', None))]\n"
        "files = [pathlib.Path(s.cached) for s in specs if s.has_location and s.cached]\n"
        "files = [f for f in files if f.suffix == '.pyc']\n"
        "ours = [f for f in files if f.is_relative_to('/opt/venv')]\n"
        "assert len(ours) > 1000\n"
        "dated = [str(f) for f in ours if f.exists() and f.read_bytes()[4] != 1]\n"
        "print([str(f) for f in files if not f.exists()], dated)"
    ).endswith("[] []")


def test_a_user_without_a_name_can_use_it(image: str) -> None:
    """--user with the caller's own number: PyTorch asks who that is and where to keep kernels."""
    code = (
        "import os, getpass, pathlib, tempfile\n"
        "from torch._inductor.runtime.cache_dir_utils import default_cache_dir\n"
        "print(os.getuid(), getpass.getuser(), pathlib.Path.home(), default_cache_dir())"
    )
    assert inside(code, "--user=4321:4321").startswith("4321 tunebench /tmp /tmp/torchinductor_")


def test_check_finds_a_machine(image: str, mounts: list[str]) -> None:
    """Preflight in a container: no GPU, nothing forbidden, results can be written."""
    done = engine.run("check", "--json", "--out=/results/run", options=mounts)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["profile"] == "cpu"


def test_it_trains(image: str, mounts: list[str], tmp_path: Path) -> None:
    """Both engines, read-only root, no network, no capability, any user: two good records."""
    more = [*mounts, "--user=4321:4321", f"--env=TUNEBENCH_REVISION={engine.REVISION}"]
    done = engine.run("run", *CASES, "--out=/results/run", options=more)
    assert done.returncode == 0, done.stderr
    found = run_folder.read([tmp_path / "results" / "run"])
    assert found.problems == ()
    assert [(record.case_id, record.outcome) for record in found.records] == [
        ("tiny-qwen3-lora", "ok"),
        ("tiny-qwen3-unsloth-qlora", "ok"),
    ]
    assert found.records[0].environment.revision == engine.REVISION
    assert (tmp_path / "results" / "run" / "journal.jsonl").stat().st_uid == 4321


@pytest.mark.parametrize("scheduler", ["kubernetes", "kubeflow"])
def test_a_task_of_a_cluster_finds_the_suite(
    image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], scheduler: str
) -> None:
    """What a job file starts: the checkout is on the volume, the image has packages only."""
    pinned = "registry.example/tunebench@sha256:" + 64 * "0"
    options = ["--engine", scheduler, "--image", pinned, "--set", "claim=data", "--dry-run"]
    assert main(["submit", "smoke", *CASES[:2], "--methods=lora", *options]) == 0
    text = capsys.readouterr().out
    script, job = yaml.safe_load_all(text[text.index("apiVersion: v1") :])
    if scheduler == "kubernetes":
        (container,) = job["spec"]["template"]["spec"]["containers"]
    else:
        container = job["spec"]["trainer"]
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "task.sh").write_text(script["data"]["task.sh"])
    (tmp_path / "results").mkdir()
    (tmp_path / "results").chmod(0o1777)
    command = container["command"]
    first, *words = [word.replace("$(JOB_COMPLETION_INDEX)", "0") for word in command]
    mounted = {
        engine.ROOT: "/data/tunebench:ro",
        tmp_path / "submission": "/submission:ro",
        tmp_path / "results": "/data/results",
    }
    options = [f"--volume={here}:{there}" for here, there in mounted.items()]
    options += [f"--env={each['name']}={each['value']}" for each in container["env"]]
    options += [f"--workdir={container.get('workingDir', '/')}", f"--entrypoint={first}"]
    done = engine.docker("run", "--rm", "--network=none", *options, image, *words, timeout=240)
    assert done.returncode == 0, done.stderr
    (session,) = (tmp_path / "results").glob("*/tasks/0")
    assert [each.outcome for each in run_folder.read([session]).records] == ["ok"]


def test_docker_stop_interrupts_in_order(image: str, mounts: list[str], tmp_path: Path) -> None:
    """``docker stop`` is Ctrl-C: the run says how to go on, and ends before it is killed."""
    name = f"tunebench-test-{time.time_ns()}"
    command = ["docker", "run", *engine.HARDENED, f"--name={name}", *mounts, engine.IMAGE]
    command += ["run", *CASES, "--json", "--out=/results/run"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as it:
        assert it.stdout is not None
        for line in it.stdout:
            if json.loads(line)["event"] == "phase-begun":
                break
        assert engine.docker("stop", "--time=30", name).returncode == 0
        _, errors = it.communicate(timeout=60)
    assert it.returncode == 130, errors
    assert "0 of 2 results are safe in /results/run" in errors
