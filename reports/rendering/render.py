"""The door of Jinja: templates, the style and the script that every page carries."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from reports.rendering.navigation import ASIDE, page_names, ways
from suite import __version__

FOLDER = Path(__file__).parent
TEMPLATES = FOLDER / "templates"


def render(name: str, values: Mapping[str, object]) -> str:
    """Return a template's page, everything in the values escaped."""
    return _environment().get_template(name).render(values)


def fragment(name: str, values: Mapping[str, object]) -> Markup:
    """Return a part of a page, made as ``render`` does, for other templates to show as it is."""
    return Markup(render(name, values))


@cache
def shared_files() -> Mapping[str, str]:
    """Return what all pages of a folder share, by name in it: the style sheet and the script."""
    static = FOLDER / "static"
    scripts = (path.read_text(encoding="utf-8") for path in sorted(static.glob("*.js")))
    return {
        "site.css": (static / "site.css").read_text(encoding="utf-8"),
        "site.js": "".join(scripts),
    }


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
    style, script = shared_files().values()
    environment.globals.update(
        ways=ways(page_names()),
        built=frozenset(page_names()),
        about="",
        aside=ASIDE,
        style=style,
        style_digest=_digest(style),
        script=script,
        script_digest=_digest(script),
        alone=False,
        files=False,
        data_date="",
        version=__version__,
    )
    return environment


def _digest(text: str) -> str:
    """Return what a content security policy calls this text, without its ``sha256-``."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
