"""Imports go one way, each third party has one place, folders stay small, the host part light."""

import ast
import graphlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.paths import ROOT

#: Part to the parts of ours that it may import (itself always). Everything may import the base.
BASE = {"suite", "suite.errors", "suite.paths", "suite.units", "suite.screen", "suite.csv"}
MAY_IMPORT = {
    "suite.catalog": set(),
    "suite.wire": {"suite.catalog"},
    "suite.results": {"suite.catalog", "suite.wire"},
    "suite.estimate": {"suite.catalog", "suite.wire", "suite.results"},
    "suite.worker": {"suite.catalog", "suite.wire"},
    "suite.setup": set(),
    "suite.run": {
        *("suite.catalog", "suite.wire", "suite.results", "suite.signals", "suite.setup"),
    },
    "suite.submit": {"suite.catalog", "suite.wire", "suite.results"},
    "reports": {"suite.catalog", "suite.wire", "suite.results", "suite.estimate"},
    "suite.cli": {"suite.signals", "suite.verbs"},
    "suite.console": {
        *("suite.catalog", "suite.results", "suite.run", "suite.signals", "suite.arguments"),
        *("suite.wire", "suite.estimate", "reports"),
    },
    "suite.verbs": {
        *("suite.console", "suite.setup", "suite.submit"),
        *("suite.catalog", "suite.results", "suite.run", "suite.signals", "suite.arguments"),
        *("suite.wire", "suite.estimate", "reports"),
    },
}

#: Folders whose modules are read one at a time, as a registry lists them: they may be many.
REGISTRIES = {"suite/results/metrics", "suite/verbs", "suite/catalog"}
MOST_MODULES = 14
#: Folders of the report: each imports those before it, and itself.
REPORT = (
    *("text", "analysis", "charts", "published", "sections"),
    *("rendering", "pages", "export", "site"),
)

#: Folders of ours that hold folders.
FOLDERS = sorted(
    {
        path.parent.parent
        for top in ("suite", "reports")
        for path in (ROOT / top).rglob("__init__.py")
        if path.parent.parent != ROOT
    }
)

#: Third party to the only files that may import it.
DOORS = {
    "pynvml": ["suite/run/machine/nvml.py"],
    "jinja2": ["reports/rendering/render.py", "suite/submit/jobs.py"],
    "docker": ["suite/run/containers/"],
    "altair": ["reports/charts/"],
    "vl_convert": ["reports/charts/"],
    "markupsafe": ["reports/"],
    "pyarrow": ["suite/console/parquet.py"],
    "pytest": ["suite/run/pytest_front/", "benchmarks/"],
    "pytest_benchmark": ["suite/run/pytest_front/", "benchmarks/"],
}
TRAINING = ["torch", "transformers", "peft", "trl", "unsloth", "unsloth_zoo", "bitsandbytes"]
TRAINING += ["datasets", "accelerate", "liger_kernel", "safetensors", "tokenizers", "numpy"]
DOORS |= {package: ["suite/worker/", "benchmarks/self/"] for package in TRAINING}
#: The gate's rule is one for a comparison and for thousands of simulated ones.
DOORS["numpy"] += ["suite/results/stats/", "suite/results/comparison/"]


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


def part(dotted: str) -> str | None:
    """The part that a module, or a name in one, belongs to; None for third parties."""
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
        here = part(module(source)) or ""
        for name in imports(source):
            there = part(name)
            if there is None or there == here or there in BASE or name == "suite.__version__":
                continue
            if here in MAY_IMPORT and there not in MAY_IMPORT[here]:
                wrong.append(f"{source.relative_to(ROOT)} imports {name}")
            if here in BASE:
                wrong.append(f"{source.relative_to(ROOT)} imports {name}")
    assert wrong == []


def modules() -> dict[str, Path]:
    """Return every module of ours by its dotted name."""
    return {module(source).removesuffix(".__init__"): source for source in sources()}


def test_no_file_imports_itself_over_others() -> None:
    """Two files that need each other are one file, or lack a third."""
    ours = modules()
    needs = {
        name: {found if found in ours else found.rpartition(".")[0] for found in imports(source)}
        & ours.keys() - {name}
        for name, source in ours.items()
    }
    assert next(graphlib.TopologicalSorter(needs).static_order())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda each: each.name)
def test_what_lies_in_a_folder_has_an_order(folder: Path) -> None:
    """Its modules and folders import each other one way: which to read first can be said."""
    parts = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    needs: dict[str, set[str]] = {part: set() for part in parts}
    for source in folder.rglob("*.py"):
        here = source.relative_to(folder).parts[0].removesuffix(".py")
        for name in imports(source):
            there = name.removeprefix(f"{module(folder)}.").split(".")[0]
            if name.startswith(f"{module(folder)}.") and there in parts - {here}:
                needs[here].add(there)
    assert next(graphlib.TopologicalSorter(needs).static_order())


def test_folders_of_the_report_import_those_before_them() -> None:
    """What is said knows nothing of pages, and no page of the site."""
    wrong = [
        f"{source.relative_to(ROOT)} imports {name}"
        for source in sources()
        for name in imports(source)
        if (here := report_place(module(source))) is not None
        if (there := report_place(name)) is not None and there > here
    ]
    assert wrong == []


def report_place(dotted: str) -> int | None:
    """Return where a module's folder stands in ``REPORT``, None where it is in none of them."""
    parts = dotted.split(".")
    return REPORT.index(parts[1]) if parts[0] == "reports" and parts[1] in REPORT else None


def public_classes() -> dict[str, list[str]]:
    """Return the files of the suite and the report that define each public class, by its name."""
    places: dict[str, list[str]] = {}
    for source in sources():
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(source.relative_to(ROOT).as_posix())
    return places


def test_public_classes_have_names_of_their_own() -> None:
    """Whoever searches for a name finds one class."""
    assert {name: places for name, places in public_classes().items() if len(places) > 1} == {}


def test_no_verb_imports_a_verb() -> None:
    """What two verbs share is no verb."""
    wrong = [
        f"{source.name} imports {name}"
        for source in sources()
        if "suite/verbs/" in source.as_posix() and source.name != "__init__.py"
        for name in imports(source)
        if name.startswith("suite.verbs.")
    ]
    assert wrong == []


def test_folders_stay_small() -> None:
    """``ls`` of a folder is read in one look."""
    counts = Counter(
        source.parent.relative_to(ROOT).as_posix()
        for source in sources()
        if source.name != "__init__.py" and "benchmarks" not in source.parts
    )
    assert {
        folder: count
        for folder, count in counts.items()
        if count > MOST_MODULES and folder not in REGISTRIES
    } == {}


def test_scripts_name_their_neighbours_in_full() -> None:
    """tox and the launcher keep a script's own folder off the path (PYTHONSAFEPATH)."""
    scripts = [each for each in sources() if "benchmarks" in each.parts]
    neighbours = {each.stem for each in scripts}
    wrong = [
        f"{source.relative_to(ROOT)} imports {name}"
        for source in scripts
        for name in imports(source)
        if name.split(".")[0] in neighbours
    ]
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
    *("suite/setup/venv.py", "suite/setup/pip.py"),
    *("suite/run/upgrade/local.py", "suite/run/upgrade/patched_image.py"),
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
