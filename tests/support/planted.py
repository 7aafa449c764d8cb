"""Wheels of installed packages under another version, with a line planted in one of them."""

import importlib.metadata
import zipfile
from pathlib import Path

#: From the twelfth call on, so that the warm-up does not have to wait for it.
SLEEPS = """
import time as _time
_backward, _calls = Accelerator.backward, []
def _planted(self, *arguments, **options):
    _calls.append(1)
    if len(_calls) > 12:
        _time.sleep({seconds})
    return _backward(self, *arguments, **options)
Accelerator.backward = _planted
"""
#: Twice the gradient: the same time, another training.
DOUBLES = """
_backward = Accelerator.backward
def _planted(self, loss, **options):
    return _backward(self, 2 * loss, **options)
Accelerator.backward = _planted
"""

#: Another default of an argument that nothing of the tests' methods reads.
DEFAULT = """
_made = LoraConfig.__init__
def _planted(self, *arguments, **options):
    _made(self, *arguments, **{"qalora_group_size": 32, **options})
LoraConfig.__init__ = _planted
"""


def wheel(name: str, version: str, folder: Path, code: str = "") -> None:
    """Write a wheel of an installed pure package; ``code`` is added to its ``__init__``."""
    found = importlib.metadata.distribution(name)
    stem = f"{name}-{version}"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        listed = []
        for file in found.files or ():
            place, path = str(file), Path(str(found.locate_file(file)))
            if place.startswith("..") or path.suffix == ".pyc":
                continue
            if ".dist-info/" in place:
                if path.name not in ("METADATA", "WHEEL"):
                    continue
                place = f"{stem}.dist-info/{path.name}"
            content = path.read_bytes()
            if path.name == "METADATA":
                old, new = f"\nVersion: {found.version}\n", f"\nVersion: {version}\n"
                content = content.replace(old.encode(), new.encode(), 1)
            if place == f"{name}/__init__.py":
                content += code.encode()
            archive.writestr(place, content)
            listed.append(place)
        archive.writestr(f"{stem}.dist-info/RECORD", "".join(f"{place},,\n" for place in listed))


def small(name: str, version: str, folder: Path, *needs: str, code: str = "") -> None:
    """Write a wheel of one made-up module with the requirements ``needs``, as an index has it."""
    stem = f"{name}-{version}"
    folder.mkdir(exist_ok=True)
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {each}" for each in needs)]
    files = {
        f"{name}.py": code,
        f"{stem}.dist-info/METADATA": "\n".join(["Metadata-Version: 2.1", *lines, ""]),
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        for place, content in files.items():
            archive.writestr(place, content)
        listed = [*files, f"{stem}.dist-info/RECORD"]
        archive.writestr(listed[-1], "".join(f"{place},,\n" for place in listed))
