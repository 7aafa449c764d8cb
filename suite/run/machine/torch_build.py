"""For which device the installed PyTorch was built, by its files: importing takes seconds."""

import importlib.util
import re
from pathlib import Path

from suite.results.record import Finding

_LINE = r"^{}(?:\s*:[^=\n]*)?\s*=\s*['\"]([^'\"\n]+)['\"]"


def finding(*, elsewhere: bool = False) -> Finding | None:
    """Return what there is to say before a GPU is measured; None where PyTorch does not say.

    ``elsewhere``: measurements run in an image that has its own PyTorch, so ours forbids nothing.
    """
    text = _version_file()
    if text is None:
        return None
    version = _value(text, "__version__") or "of an unknown version"
    if (cuda := _value(text, "cuda")) is not None:
        return Finding(name="torch", status="ok", detail=f"{version}, built for CUDA {cuda}")
    built = "ROCm" if _value(text, "hip") or _value(text, "rocm") else "the CPU"
    words = (
        f"{version} is built for {built}, so it cannot use this GPU: install the build for CUDA"
        " (pip install -r requirements/torch.txt), or measure in the profile's image"
    )
    return Finding(name="torch", status="warn" if elsewhere else "block", detail=words)


def _version_file() -> str | None:
    try:
        found = importlib.util.find_spec("torch")
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None:
        return None
    try:
        return Path(found.origin).with_name("version.py").read_text("utf-8", errors="replace")
    except OSError:
        return None


def _value(text: str, name: str) -> str | None:
    found = re.search(_LINE.format(re.escape(name)), text, re.MULTILINE)
    return found[1] if found else None
