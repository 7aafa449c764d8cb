"""A GPU machine that is broken or hidden is never measured as a CPU without a word."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest

from suite.catalog import profile as profiles
from suite.cli import main
from suite.errors import WrongMachine
from suite.results.record import Finding
from suite.run.containers import engine
from suite.run.machine import no_gpu, nvml, torch_build, visible_gpu
from suite.run.machine.environment import as_seen, require_machine, resolve_profile
from suite.run.machine.nvml import Device, Missing, open_gpu
from suite.run.machine.preflight import preflight
from support import fake_gpu


def error(number: int) -> pynvml.NVMLError:
    return pynvml.NVMLError(number)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(no_gpu, "TRACES", ())
    return fake_gpu.install(monkeypatch)


def _refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> str:
    """Return what both ``check`` and ``run`` say, which end with 3 and measure nothing."""
    assert main(["run", "--out", str(tmp_path / "run")]) == 3
    said = capsys.readouterr().err
    assert "--profile cpu" in said
    assert not (tmp_path / "run").exists()
    assert main(["check", "--json"]) == 3
    shown = json.loads(capsys.readouterr().out)
    assert shown["profile"] is None
    (gpu,) = [found for found in shown["findings"] if found["name"] == "gpu"]
    assert gpu["status"] == "block"
    assert gpu["detail"].split("; ")[0] in said
    return str(gpu["detail"])


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "restart the machine"),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "modprobe nvidia"),
        (pynvml.NVML_ERROR_NO_PERMISSION, "/dev/nvidia"),
        (pynvml.NVML_ERROR_UNKNOWN, "nvidia-smi"),
    ],
)
def test_a_driver_that_does_not_answer_stops_a_run(
    fake, number: int, words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Whatever NVML says when it starts, but that there is none, is a broken GPU machine."""
    fake.nvmlInit.side_effect = error(number)
    assert words in _refused(capsys, tmp_path)


@pytest.mark.parametrize("query", ["Name", "UUID", "HandleByIndex", "MemoryInfo", "Temperature"])
@pytest.mark.parametrize(
    "number", [pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED]
)
def test_a_lost_gpu_stops_a_run_wherever_it_shows(
    fake, query: str, number: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A card that fell off the bus says so to some question; NVML is let go."""
    getattr(fake, f"nvmlDeviceGet{query}").side_effect = error(number)
    assert "dmesg" in _refused(capsys, tmp_path)
    assert fake.nvmlShutdown.call_count == fake.nvmlInit.call_count


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("", "no GPU is visible"),
        ("-1,0", "no GPU is visible"),
        ("zero", "neither an index nor a UUID"),
        ("²", "neither an index nor a UUID"),
        ("4294967296", "neither an index nor a UUID"),
        ("GPU-", "no GPU of that UUID"),
        ("GPU-ff", "no GPU of that UUID"),
        ("GPU-1", "ambiguous: 2 GPUs"),
        ("MIG-1", "no GPU of that UUID"),
    ],
)
def test_a_variable_that_names_no_single_gpu_stops_a_run(
    fake,
    told: str,
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CUDA_VISIBLE_DEVICES that hides, cannot be read or is ambiguous makes no CPU machine."""
    _two_cards(fake)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", told)
    assert words in _refused(capsys, tmp_path)


def _two_cards(fake) -> None:
    fake.nvmlDeviceGetCount.return_value = 2
    fake.nvmlDeviceGetHandleByIndex.side_effect = lambda index: index
    fake.nvmlDeviceGetUUID.side_effect = lambda handle: f"GPU-1{handle}aa-2222"
    fake.nvmlDeviceGetHandleByUUID.side_effect = error(pynvml.NVML_ERROR_NOT_FOUND)
    fake.nvmlDeviceGetMaxMigDeviceCount.side_effect = fake_gpu.unsupported()


def test_the_beginning_of_a_uuid_is_enough_where_it_is_one_gpus(
    fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA takes it, so the worker gets that card, by its whole UUID."""
    _two_cards(fake)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-11")
    found = open_gpu()
    assert isinstance(found, Device)
    assert found.uuid == "GPU-11aa-2222"


def test_only_without_any_driver_a_machine_is_a_cpu_machine(
    fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that shows a driver whose library is out of reach: a container without toolkit."""
    fake.nvmlInit.side_effect = error(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
    assert resolve_profile("auto").name == "cpu"
    (tmp_path / "version").touch()
    monkeypatch.setattr(no_gpu, "TRACES", (tmp_path / "version",))
    with pytest.raises(WrongMachine, match="out of reach") as refused:
        resolve_profile("auto")
    assert "NVIDIA Container Toolkit" in refused.value.hint
    assert resolve_profile("cpu").name == "cpu", "on purpose it is"


def test_old_bindings_are_named(fake, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A function that an old nvidia-ml-py lacks is no traceback, and no CPU machine."""
    del fake.nvmlDeviceGetCurrentClocksEventReasons
    assert "nvidia-ml-py" in _refused(capsys, tmp_path)


@pytest.mark.parametrize("name", ["nvmlInit", "nvmlShutdown", "NVMLError"])
def test_a_module_that_is_not_nvidias_is_named(
    fake, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something else called pynvml is no traceback."""
    delattr(fake, name)
    found = open_gpu()
    assert isinstance(found, Missing)
    assert "not NVIDIA's" in found.reason


def test_every_function_in_use_is_looked_for_at_the_start() -> None:
    """One that is called and not in the list would fail later, on somebody's old bindings."""
    text = "".join(Path(str(one.__file__)).read_text() for one in (nvml, visible_gpu))
    used = set(re.findall(r"nvml\.(nvml\w+)\(?", text))
    assert used <= {*nvml.NEEDED}
    assert all(hasattr(pynvml, name) for name in nvml.NEEDED)


def test_a_card_in_mig_mode_is_refused_and_its_slices_named(
    fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA would take its first slice, and file its numbers under the whole card."""
    fake.nvmlDeviceGetMigMode.return_value = [1, 1]
    fake.nvmlDeviceGetMaxMigDeviceCount.return_value = 3
    fake.nvmlDeviceGetHandleByIndex.return_value = "card"
    fake.nvmlDeviceGetMigDeviceHandleByIndex.side_effect = lambda card, index: (
        f"slice {index}" if index < 2 else _raise(error(pynvml.NVML_ERROR_NOT_FOUND))
    )
    fake.nvmlDeviceGetUUID.side_effect = lambda handle: (
        "GPU-1" if handle == "card" else f"MIG-{handle[-1]}"
    )
    found = _finding("mig", tmp_path)
    assert found.status == "block"
    assert found.detail.endswith("one of MIG-0, MIG-1")

    fake.nvmlDeviceGetHandleByUUID.side_effect = lambda uuid: f"slice {uuid[-1]}"
    fake.nvmlDeviceGetName.return_value = "NVIDIA H200 MIG 1g.18gb"
    fake.nvmlDeviceGetMigMode.side_effect = fake_gpu.unsupported()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1")
    assert _finding("mig", tmp_path).status == "ok"


def _raise(what: Exception) -> None:
    raise what


def _finding(name: str, tmp_path: Path) -> Finding:
    found = preflight(resolve_profile("auto"), open_gpu(), tmp_path)
    return next(one for one in found if one.name == name)


def test_a_card_of_another_memory_is_not_the_profiles(fake, tmp_path: Path) -> None:
    """An H200 of half the memory is no H200 SXM, by itself or asked for."""
    wanted = profiles.load("h200-sxm")
    fake.nvmlDeviceGetMemoryInfo.return_value = SimpleNamespace(total=70 << 30, used=0)
    assert resolve_profile("auto").name == "unlisted-nvidia-h200-70gb"
    found = preflight(wanted, open_gpu(), tmp_path)
    assert next(one.status for one in found if one.name == "gpu") == "block"


def test_a_card_without_bfloat16_is_seen(fake, tmp_path: Path) -> None:
    """NVML says 7.5, whatever the profile: check has a line, and no method is tried."""
    fake.nvmlDeviceGetCudaComputeCapability.return_value = (7, 5)
    found = _finding("bfloat16", tmp_path)
    assert "unsupported" in found.detail
    assert "compute capability 7.5" in found.detail
    seen = as_seen(profiles.load("h200-sxm"), open_gpu())
    assert (seen.compute_capability, seen.facts.bf16_flops) == ("7.5", None)
    fake.nvmlDeviceGetCudaComputeCapability.return_value = (9, 0)
    assert as_seen(profiles.load("h200-sxm"), open_gpu()) == profiles.load("h200-sxm")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\n", "block"),
        (
            "__version__ = '2.13.0'\ncuda: Optional[str] = None\nhip: Optional[str] = '7.1'",
            "block",
        ),
        ("__version__ = '2.13.0'\ncuda: Optional[str] = '13.0'\nhip = None\n", "ok"),
        ("__version__ = '2.5.1'\ncuda = '12.4'\n", "ok"),
    ],
)
def test_the_build_of_torch_is_read_from_its_files(
    text: str, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build for the CPU, or for ROCm, cannot use the GPU; in an image it does no harm."""
    (tmp_path / "version.py").write_text(text)
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    found = torch_build.finding()
    assert found is not None
    assert found.status == status
    elsewhere = torch_build.finding(elsewhere=True)
    assert elsewhere is not None
    assert elsewhere.status != "block"


def test_other_vendors_gpus_are_named(
    fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ROCm, MPS and a card without a driver: the CPU is measured, and a line says why."""
    fake.nvmlInit.side_effect = error(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
    (tmp_path / "kfd").touch()
    monkeypatch.setattr(no_gpu, "KFD", tmp_path / "kfd")
    assert main(["run", "--dry-run"]) == 0
    assert "this machine has an AMD GPU" in capsys.readouterr().err
    assert main(["run", "--dry-run", "--profile", "h100-sxm"]) == 0
    wanted, gpu = profiles.load("h100-sxm"), open_gpu()
    with pytest.raises(WrongMachine) as refused:
        require_machine(wanted, gpu)
    assert "AMD GPUs (ROCm)" in refused.value.hint
    monkeypatch.setattr(no_gpu, "KFD", tmp_path / "none")
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert "Apple GPUs (MPS)" in _finding("gpu", tmp_path).detail
    monkeypatch.setattr("platform.system", lambda: "Linux")
    device = tmp_path / "pci" / "0000:01:00.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x10de\n")
    (device / "class").write_text("0x030200\n")
    monkeypatch.setattr(no_gpu, "PCI", tmp_path / "pci")
    assert "no NVIDIA driver" in _finding("gpu", tmp_path).detail


def test_an_unlisted_card_that_is_gone_is_no_unknown_name(fake) -> None:
    """A run of a card without a file goes on when the card is back, and says so until then."""
    fake.nvmlInit.side_effect = error(pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH)
    with pytest.raises(WrongMachine, match="needs a GPU"):
        resolve_profile("unlisted-nvidia-l4")
    assert isinstance(open_gpu(), Missing)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"Runtimes": {"runc": {}}}, False),
        ({}, False),
        ({"Runtimes": {"runc": {}, "nvidia": {}}}, True),
        ({"DefaultRuntime": "nvidia"}, True),
        ({"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}]}, True),
    ],
)
def test_docker_says_whether_it_can_give_gpus(
    info: dict[str, object], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what it tells of itself, before an image is made in vain."""
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    assert engine.has_toolkit(info) is expected
    monkeypatch.setattr("shutil.which", lambda name, path=None: f"/usr/bin/{name}")
    assert engine.has_toolkit(info)
