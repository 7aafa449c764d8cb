"""Write the images' locks from requirements/, or check them: ``python docker/locks.py [--check]``.

An image's lock is what requirements/host.in and train.in resolve to at the versions of host.txt
and train.txt, plus PyTorch's build for that image. So images and ``.venv`` differ in that build
alone. Needs uv and a package index; downloads no package. What is not on that index, PyTorch's
CPU build, is written by hand and not checked here.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

DOCKER = Path(__file__).parent
REQUIREMENTS = DOCKER.parent / "requirements"
UV = ["uv", "pip"]
LINUX = ["--python-platform", "x86_64-manylinux_2_28"]

#: How each image's lock is resolved. The CPU image's base may have any Python of the suite's; the
#: CUDA image's has 3.12, and nobody builds it for another.
PLATFORM = {
    "cpu": ["--universal", "--python-version", "3.11"],
    "cuda130": [*LINUX, "--python-version", "3.12"],
}
#: The Pythons that a lock must install on, all on Linux x86-64.
PYTHONS = {"cpu": ["3.11", "3.12", "3.13"], "cuda130": ["3.12"]}


def main(arguments: list[str]) -> int:
    """Write all locks, or with ``--check`` say what is wrong with them; returns the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    wrong = []
    for image in PLATFORM:
        lock = DOCKER / image / "lock.txt"
        text = resolved(image, lock.read_text() if lock.exists() else "")
        if not arguments:
            lock.write_text(text)
        elif lock.read_text() != text:
            wrong.append(f"docker/{image}/lock.txt is not current: run tox -e lock")
        else:
            lock_of_index = without_torch(text) if by_hand(image).exists() else text
            wrong += foreign(image, lock_of_index)
            for python in PYTHONS[image]:
                wrong += missing(image, lock_of_index, python)
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


def resolved(image: str, before: str, pins: str = "") -> str:
    """Return the lock of an image; versions and hashes of the one before stay where they can.

    Given ``pins``, the versions are those of that lock, but every hash is the index's.
    """
    ours = by_hand(image)
    torch = None if ours.exists() else REQUIREMENTS / "torch.txt"
    with tempfile.TemporaryDirectory() as folder:
        excluded, output = Path(folder) / "excluded.txt", Path(folder) / "lock.txt"
        pinned = Path(folder) / "pins.txt"
        pinned.write_text("\n".join(packages(pins)))
        excluded.write_text("".join(excludes(with_torch=torch is not None)))
        output.write_text(without_torch(before) if ours.exists() else before)
        command = [*UV, "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate"]
        command += [*PLATFORM[image], "--excludes", str(excluded), "--output-file", str(output)]
        command += ["--override", "overrides.txt", "-c", "host.txt", "-c", "train.txt"]
        command += ["-c", str(pinned)]
        command += ["host.in", "train.in", *([torch.name] if torch else [])]
        subprocess.run(command, cwd=REQUIREMENTS, check=True)
        text = output.read_text()
    return text + entries(ours) if ours.exists() else text


def by_hand(image: str) -> Path:
    """Return where an image's entry of PyTorch is, if PyPI does not have that build."""
    return DOCKER / image / "torch.txt"


def excludes(*, with_torch: bool) -> Iterator[str]:
    """Yield requirements/excluded.txt, less what PyTorch's CUDA build is or brings."""
    for line in (REQUIREMENTS / "excluded.txt").read_text().splitlines(keepends=True):
        if not (with_torch and line.split()[0] in ("torch", "triton")):
            yield line


def without_torch(lock: str) -> str:
    """Return a lock without its entry of PyTorch, which no resolver could have written."""
    return re.sub(r"^torch==.*(?:\n .*)*\n", "", lock, flags=re.MULTILINE)


def entries(file: Path) -> str:
    """Return a file of requirements without its comments."""
    return re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE)


def packages(lock: str) -> dict[str, set[str]]:
    """Return the hashes of each entry of a lock, by its line with name, version and markers."""
    found = {}
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        line, *hashes = (part.strip() for part in entry.split("\\\n"))
        found[line] = set(hashes)
    return found


def foreign(image: str, lock: str) -> list[str]:
    """Return which hashes of a lock the index does not have for that version."""
    fresh = packages(resolved(image, "", pins=lock))
    return [
        f"docker/{image}/lock.txt, {line}: the index has no file with {extra}"
        for line, hashes in packages(lock).items()
        for extra in sorted(hashes - fresh.get(line, set()))
    ]


def missing(image: str, lock: str, python: str) -> list[str]:
    """Return what a lock cannot install on that Python, as uv says it; nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "lock.txt"
        requirements.write_text(lock)
        command = [*UV, "install", "--dry-run", "--no-deps", "--require-hashes", "--quiet"]
        command += ["--only-binary", ":all:", *LINUX, "--python-version", python]
        command += ["--target", f"{folder}/target", "--requirements", str(requirements)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    words = " ".join(done.stderr.split())
    return [f"docker/{image}/lock.txt, Python {python}: {words}"] if done.returncode else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
