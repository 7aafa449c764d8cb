"""The images' locks against requirements/: the same versions, and only PyTorch's build differs.

That they are what a resolver writes, and install on their platform, is ``tox -e locks``.
"""

import re
from pathlib import Path

import pytest

from suite.paths import ROOT

REQUIREMENTS = ROOT / "requirements"
IMAGES = sorted(path.parent for path in ROOT.glob("docker/*/Dockerfile"))


def pins(*files: Path) -> dict[str, str]:
    text = "\n".join(file.read_text() for file in files)
    return dict(re.findall(r"^([a-z0-9][^\s=]*)==([^\s;]+)", text, re.MULTILINE))


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_an_image_has_the_versions_of_the_launchers_environment(image: Path) -> None:
    """A bump in requirements/ without ``tox -e lock`` would leave images with other packages."""
    ours = pins(*(REQUIREMENTS / name for name in ("host.txt", "train.txt", "torch.txt")))
    theirs = pins(image / "lock.txt")
    theirs["torch"] = theirs["torch"].removesuffix("+cpu")
    absent = ours.keys() - theirs.keys()
    assert absent <= {"colorama", "pywin32"}  # Windows only
    assert {name: theirs[name] for name in ours.keys() - absent} == {
        name: ours[name] for name in ours.keys() - absent
    }


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_every_package_has_a_hash_and_every_base_a_digest(image: Path) -> None:
    """What is not pinned by content changes below the results."""
    text = (image / "lock.txt").read_text()
    for entry in re.split(r"\n(?=\S)", text):
        assert "--hash=sha256:" in entry, entry
    dockerfile = (image / "Dockerfile").read_text()
    assert re.search(r"^ARG BASE_DIGEST=sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE)
    assert re.search(r"^ARG BASE=\S+@\$\{BASE_DIGEST\}$", dockerfile, re.MULTILINE)
    stages = set(re.findall(r" AS (\S+)$", dockerfile, re.MULTILINE))
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) <= {"${BASE}", *stages}


def test_the_cpu_image_cannot_get_a_cuda_build() -> None:
    """Its PyTorch is the build without CUDA by version and by hash, and brings no CUDA package."""
    cpu, cuda = (pins(ROOT / "docker" / image / "lock.txt") for image in ("cpu", "cuda130"))
    assert cpu["torch"].endswith("+cpu")
    assert not [name for name in cpu if name.startswith("nvidia-cu") or name == "triton"]
    assert {"triton", "nvidia-cublas", "nvidia-nccl-cu13"} <= cuda.keys()


def test_profiles_name_images_that_are_there() -> None:
    """``image`` in a hardware profile is a folder of docker/."""
    from suite.catalog import profile

    named = {profile.load(name).image for name in profile.names()} - {None}
    assert named <= {image.name for image in IMAGES}
    assert "cuda130" in named
