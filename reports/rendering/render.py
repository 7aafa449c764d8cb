"""The door of Jinja: templates, the style and the script that every page carries, navigation."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from suite import __version__

FOLDER = Path(__file__).parent
TEMPLATES = FOLDER / "templates"
#: The order of the navigation: what is asked most, then how it is known. Others follow by name.
_FIRST = (
    *("index", "models", "gpus", "card-against-card"),
    *("plan", "claims", "what-fits", "all-results"),
)
_LAST = ("runs", "history", "how-far-to-trust-it", "how-it-was-measured")
#: Pages whose titles are not their file's names.
_TITLES = {
    "index.html": "Overview",
    "gpus.html": "GPUs",
    "card-against-card.html": "GPU against GPU",
}


def render(name: str, values: Mapping[str, object]) -> str:
    """Return a template's page, everything in the values escaped."""
    return _environment().get_template(name).render(values)


def fragment(name: str, values: Mapping[str, object]) -> Markup:
    """Return a part of a page, made as ``render`` does, for other templates to show as it is."""
    return Markup(render(name, values))


def page_names() -> list[str]:
    """Return the templates that are rendered once, the first page first."""
    names = {path.stem for path in (TEMPLATES / "pages").glob("*.html")}
    others = sorted(names - {*_FIRST, *_LAST})
    return [f"{name}.html" for name in (*_FIRST, *others, *_LAST) if name in names]


def _page_title(name: str) -> str:
    if name in _TITLES:
        return _TITLES[name]
    return name.removesuffix(".html").replace("-", " ").capitalize()


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
    script = (FOLDER / "static" / "site.js").read_text(encoding="utf-8")
    environment.globals.update(
        navigation=[(name, _page_title(name)) for name in page_names()],
        style=style,
        style_digest=_digest(style),
        script=script,
        script_digest=_digest(script),
        version=__version__,
    )
    return environment


def _digest(text: str) -> str:
    """Return what a content security policy calls this text, without its ``sha256-``."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
