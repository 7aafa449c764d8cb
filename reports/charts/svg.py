"""SVG as Vega draws it made fit for a page: known elements and attributes, titles on marks."""

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import Markup

WIDTH = 440.0  #: of every chart's box, so that letters have one size on all of them

_ELEMENTS = {"svg", "g", "path", "line", "rect", "text", "tspan"}
_ATTRIBUTES = {
    *("d", "transform", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "width", "height"),
    *("fill", "fill-opacity", "opacity", "stroke", "stroke-width", "stroke-dasharray"),
    *("stroke-opacity", "stroke-miterlimit", "stroke-linecap", "text-anchor", "font-size"),
    "font-weight",
}
#: What says nothing: the values are SVG's own.
_USUAL = {("opacity", "1"), ("fill-opacity", "1"), ("stroke-width", "1"), ("fill", "")}
_LONG = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def clean(drawn: str, label: str) -> Markup:
    """Return a drawing of Vega's as one SVG element named ``label``, safe inside a page.

    No style, script, link, id or class is left; a mark's words become its ``<title>``. Raises
    ValueError for an element that no chart of ours should have.
    """
    root = ElementTree.fromstring(drawn)
    height = float(root.attrib["height"])
    width = max(float(root.attrib["width"]), WIDTH)
    copied = _copy(root) or Element("svg")
    copied.attrib = {
        "viewBox": f"0 0 {width:g} {height:g}",
        "role": "img",
        "aria-label": label,
    }
    # The serializer escapes all text and attributes, whatever they hold.
    return Markup(ElementTree.tostring(copied, encoding="unicode"))


def _copy(element: Element) -> Element | None:
    name = element.tag.rpartition("}")[2]
    if name not in _ELEMENTS:
        raise ValueError(f"a chart has an element <{name[:40]}>")
    if element.get("display") == "none" or element.get("class") in ("background", "foreground"):
        return None
    copied = Element(name)
    copied.text = (element.text or "").strip()
    for attribute, value in element.attrib.items():
        if attribute in _ATTRIBUTES and (attribute, value) not in _USUAL:
            copied.set(attribute, value if attribute == "fill" else _LONG.sub(_shorter, value))
    # Vega describes axes and legends as well; only what stands for a value is to be pointed at.
    if element.get("role") == "graphics-symbol" and name in ("path", "line", "text", "rect"):
        title = Element("title")
        title.text = element.get("aria-label", "").strip()
        copied.append(title)
    children = [copy for child in element if (copy := _copy(child)) is not None]
    copied.extend(children)
    empty = name == "g" and not children
    return None if empty else copied


def _shorter(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".").replace("-0", "0", found[0] == "-0")
