"""Which texts the web pages can show: found in their templates and sources, so that no list of them can be stale."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, nodes

NAMES = ("_", "gettext", "ngettext", "t")
KEYWORDS = {"page": ("title", "button")}
ARGUMENTS = {"text": slice(0, 1), "_sorry": slice(2, 3), "Deed": slice(1, 4), "Tab": slice(0, 1)}


def texts_of(folder: Path) -> dict[str, str | None]:
    """English texts, each with its plural where it depends on a count.

    Args:
        folder: Has ``*.html`` and ``*.py`` at any depth.
    """
    found: dict[str, str | None] = {}
    for path in sorted(folder.rglob("*.html")):
        found.update(of_template(path.read_text("utf-8")))
    for path in sorted(folder.rglob("*.py")):
        found.update((text, None) for text in of_source(path.read_text("utf-8")))
    return found


def of_template(source: str) -> Iterator[tuple[str, str | None]]:
    """What a template translates: what stands in it, and the words of tables from which it chooses."""
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(source)
    tables = {one.target.name: one.node for one in tree.find_all(nodes.Assign) if isinstance(one.target, nodes.Name)}
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in NAMES:
            many = call.args[1].value if call.node.name == "ngettext" else None  # type: ignore[attr-defined]
            for text in words(call.args[0], tables):
                yield text, many


def words(node: Any, tables: dict[str, Any]) -> Iterator[str]:
    """Every text that an expression of a template can be."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, nodes.CondExpr):
        yield from words(node.expr1, tables)
        yield from words(node.expr2, tables)
    elif isinstance(node, nodes.Dict):
        for pair in node.items:
            yield from words(pair.value, tables)
    elif isinstance(node, nodes.Name) and node.name in tables:
        yield from words(tables[node.name], {})
    elif isinstance(node, (nodes.Getitem, nodes.Getattr)):
        yield from words(node.node, tables)
    elif isinstance(node, nodes.Call):
        yield from words(node.node, tables)
        for one in node.args:
            yield from words(one, tables)


def of_source(source: str) -> Iterator[str]:
    """What the pages' own code hands on to be translated."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            given = call.args[ARGUMENTS[name]] if name in ARGUMENTS else []
            given += [one.value for one in call.keywords if one.arg in KEYWORDS.get(name, ())]
            for one in given:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield one.value
