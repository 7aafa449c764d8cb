"""The door of Jinja: templates, the style and the script that every page carries."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from reports.rendering.navigation import page_names, ways
from suite import __version__

FOLDER = Path(__file__).parent
TEMPLATES = FOLDER / "templates"
#: The page that has a script beside that of all pages, and both; a report of one file needs both.
PLAN, ALL_SCRIPTS = "plan.html", ("site.js", "plan.js")


def render(name: str, values: Mapping[str, object]) -> str:
    """Return a template's page, everything in the values escaped."""
    own = scripts(*ALL_SCRIPTS) if name == PLAN else {}
    return _environment().get_template(name).render({**own, **values})


@cache
def scripts(*names: str) -> Mapping[str, str]:
    """Return what a page needs in order to carry these files of ``static/`` as its script."""
    text = "\n".join((FOLDER / "static" / name).read_text(encoding="utf-8") for name in names)
    return {"script": text, "script_digest": _digest(text)}


def fragment(name: str, values: Mapping[str, object]) -> Markup:
    """Return a part of a page, made as ``render`` does, for other templates to show as it is."""
    return Markup(render(name, values))


class _Templates(jinja2.FileSystemLoader):
    """Templates without their indentation, which is a sixth of a large page."""

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        source, name, current = super().get_source(environment, template)
        return re.sub(r"(?m)^[ \t]+", "", source), name, current


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=_Templates([TEMPLATES / "pages", TEMPLATES / "layout", TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (FOLDER / "static" / "site.css").read_text(encoding="utf-8")
    environment.globals.update(
        ways=ways(page_names()),
        built=frozenset(page_names()),
        about="",
        style=style,
        style_digest=_digest(style),
        **scripts("site.js"),
        version=__version__,
    )
    return environment


def _digest(text: str) -> str:
    """Return what a content security policy calls this text, without its ``sha256-``."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
