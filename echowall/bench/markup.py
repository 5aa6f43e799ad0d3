"""HTML and SVG as a tree of elements, so that whatever is put in as text is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

#: What an element may hold; None is left out.
Child = Element | str | None


def tag(name: str, /, *children: Child | Iterable[Child], **attributes: object) -> Element:
    """An element. In the names of attributes `_` stands for `-`, and one at the end is for Python: `class_`. An
    attribute that is None is left out.
    """
    element = Element(name)
    for key, value in attributes.items():
        if value is not None:
            element.set(key.rstrip("_").replace("_", "-"), f"{value:g}" if isinstance(value, float) else str(value))
    for child in children:
        if child is None or isinstance(child, (str, Element)):
            _append(element, child)
        else:
            for one in child:
                _append(element, one)
    return element


def _append(element: Element, child: Child) -> None:
    if isinstance(child, Element):
        element.append(child)
    elif child and len(element):
        element[-1].tail = (element[-1].tail or "") + child
    elif child:
        element.text = (element.text or "") + child


def document(root: Element) -> str:
    """The text of an HTML document. What its <style> holds is not escaped, and has to be our own."""
    return f"<!doctype html>\n{tostring(root, encoding='unicode', method='html')}\n"
