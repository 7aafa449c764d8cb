"""The house: imports go one way, third parties have one door each, the host part stays light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Room to the rooms of ours that it may import (itself always). Everything may import the base.
BASE = {"suite", "suite.errors", "suite.units", "suite.screen", "suite.run.pytest_front.clock"}
MAY_IMPORT = {
    "suite.catalog": set(),
    "suite.wire": {"suite.catalog"},
    "suite.results": {"suite.catalog", "suite.wire"},
    "suite.estimate": {"suite.catalog", "suite.wire", "suite.results"},
    "suite.worker": {"suite.catalog", "suite.wire"},
    "suite.run": {"suite.catalog", "suite.wire", "suite.results", "suite.signals"},
    "reports": {"suite.catalog", "suite.wire", "suite.results", "suite.estimate"},
    "suite.cli": {"suite.signals", "suite.verbs"},
    "suite.verbs": {
        *("suite.catalog", "suite.results", "suite.run", "suite.signals", "suite.arguments"),
        *("suite.wire", "suite.estimate", "reports"),
    },
}

#: Third party to the only files that may import it.
DOORS = {
    "pynvml": ["suite/run/machine/nvml.py"],
    "jinja2": ["reports/rendering/render.py"],
    "docker": ["suite/run/containers/"],
    "altair": ["reports/charts/"],
    "vl_convert": ["reports/charts/"],
    "markupsafe": ["reports/"],
    "pyarrow": ["suite/console/parquet.py"],
    "pytest": ["suite/run/pytest_front/plugin.py", "suite/run/launch.py", "benchmarks/"],
    "pytest_benchmark": ["suite/run/pytest_front/plugin.py", "suite/run/launch.py", "benchmarks/"],
}
TRAINING = ["torch", "transformers", "peft", "trl", "unsloth", "unsloth_zoo", "bitsandbytes"]
TRAINING += ["datasets", "accelerate", "liger_kernel", "safetensors", "tokenizers", "numpy"]
DOORS |= {package: ["suite/worker/", "benchmarks/self/"] for package in TRAINING}


def sources() -> Iterator[Path]:
    for folder in ("suite", "reports", "benchmarks"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def imports(source: Path) -> Iterator[str]:
    """Every dotted name that a file imports; for ``from a import b`` that is ``a.b``."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(dotted: str) -> str | None:
    """The room of a module or of a name in one; None for third parties."""
    parts = dotted.split(".")
    if parts[0] in ("reports", "benchmarks"):
        return parts[0]
    return ".".join(parts[:2]) if parts[0] == "suite" else None


def module(source: Path) -> str:
    return ".".join(source.relative_to(ROOT).with_suffix("").parts)


def test_imports_go_one_way() -> None:
    """An import against the direction, also one inside a function, fails here by name."""
    wrong = []
    for source in sources():
        here = room(module(source)) or ""
        for name in imports(source):
            there = room(name)
            if there is None or there == here or there in BASE or name == "suite.__version__":
                continue
            if here in MAY_IMPORT and there not in MAY_IMPORT[here]:
                wrong.append(f"{source.relative_to(ROOT)} imports {name}")
            if here in BASE:
                wrong.append(f"{source.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_nobody_imports_the_worker() -> None:
    """The worker is a process, started by name; an import would bring torch to the host part."""
    wrong = [
        str(source.relative_to(ROOT))
        for source in sources()
        if "suite/worker" not in source.as_posix() and "benchmarks/self" not in source.as_posix()
        if any(name.startswith("suite.worker") for name in imports(source))
    ]
    assert wrong == []


@pytest.mark.parametrize("package", DOORS)
def test_third_parties_have_one_door(package: str) -> None:
    """A package is imported only where its door is."""
    wrong = [
        str(source.relative_to(ROOT))
        for source in sources()
        if any(name.split(".")[0] == package for name in imports(source))
        if not source.relative_to(ROOT).as_posix().startswith(tuple(DOORS[package]))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "entry", ["suite.cli", "suite.run.pytest_front.plugin", "reports.site.build"]
)
def test_the_host_part_loads_no_training_library(entry: str) -> None:
    """Command line, session and report start without torch or any of its friends."""
    heavy = [*TRAINING, "pynvml", "docker", "altair", "vl_convert", "pyarrow"]
    code = f"import sys, {entry}; print(*[n for n in {heavy!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_setting_up_needs_the_standard_library_only() -> None:
    """The launcher runs this before anything is installed."""
    code = (
        "import sys, suite.setup.packages;"
        "print(*[n for n in ('msgspec', 'rich', 'jinja2', 'pytest') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


#: Files outside of results: environments and images in folders of their own, generated documents.
OTHER_WRITERS = (
    *("suite/worker/", "suite/run/containers/", "benchmarks/", "suite/results/schema.py"),
    *(f"suite/run/{name}.py" for name in ("venv", "pip", "overlay", "layered")),
    "suite/run/home.py",  # a folder of this user's own
    "reports/export/readme_blocks.py",
)
WRITES = {"write_text", "write_bytes", "unlink", "rmdir", "rename", "rmtree", "touch", "truncate"}
WRITES |= {
    "symlink_to",
    "hardlink_to",
    "copy2",
    "copyfile",
    "copytree",
    "move",
    "mkdir",
    "makedirs",
}


def test_one_module_opens_files_of_results_for_writing() -> None:
    """Elsewhere nothing is written, made or removed by a path, which could lead through a link."""
    wrong = []
    for source in sources():
        place = str(source.relative_to(ROOT))
        if place == "suite/results/storage/folder.py" or place.startswith(OTHER_WRITERS):
            continue
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            word, of = node.func.attr, ast.unparse(node.func.value)
            modes = [a.value for a in node.args if isinstance(a, ast.Constant)]
            opens = word == "open" and any(
                isinstance(m, str) and set(m) & set("wax+") for m in modes
            )
            if (word in WRITES and not _of_a_folder(of)) or opens:
                wrong.append(f"{place}:{node.lineno} {of}.{word}")
    assert wrong == []


def _of_a_folder(name: str) -> bool:
    """Tell a call of ``Folder`` by what it is called on: no path has such a name."""
    return name in {"above", "folder", "inner", "opened", "fresh", "place", "top"}
