"""The floors: a module imports from its own floor or below."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "packages/oss/src/offsider"

FLOORS: dict[str, int] = {
    "errors": 0,
    "clock": 0,
    "job": 1,
    "config": 1,
    "contract": 2,
    "store": 3,
    "client": 4,
    "metrics": 4,
    "api": 4,
    "app": 5,
    "editions": 5,
    "deferrals": 5,
    "dispatch": 5,
    "measured": 5,
    "pages": 5,
    "shards": 5,
    "worker": 6,
    "web": 7,
    "testing": 7,
    "integrations": 7,
    "cursors": 7,
    "demo": 7,
    "cli": 8,
    "__main__": 9,
    "__init__": 9,
}
NEVER = {"worker": {"api"}, "client": {"metrics", "api"}, "metrics": {"client", "api"}, "api": {"client", "metrics"}}
FOREIGN = {"offsider_pro", "offsider_enterprise", "offsider_licensing", "cryptography", "croniter"}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[str]:
    """Full names of what a module imports at run time."""
    package = ["offsider", *path.relative_to(SOURCE).with_suffix("").parts[:-1]]

    def visit(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{prefix}.{one.name}" for one in node.names)
        for child in ast.iter_child_nodes(node):
            yield from visit(child)

    return visit(ast.parse(path.read_text("utf-8")))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_from_its_floor_or_below(path: Path) -> None:
    room = room_of(path)
    for name in imports(path):
        if name.startswith("offsider."):
            other = name.split(".")[1]
            other = other if other in FLOORS else "__init__"
            if room in ("demo", "cli") and other == "__init__":
                continue  # the edges use the package as its users do; `__version__` is there, too
            if name == "offsider.__version__":
                continue
            assert FLOORS[other] <= FLOORS[room], f"{room} imports {name}, which is on a higher floor"
            assert other not in NEVER.get(room, set()), f"{room} imports its neighbour {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_free_edition_imports_nothing_of_the_others(path: Path) -> None:
    assert not {name.partition(".")[0] for name in imports(path)} & FOREIGN


def test_every_room_has_a_floor() -> None:
    assert {room_of(path) for path in modules()} <= FLOORS.keys()


def test_the_licence_package_never_imports_offsider() -> None:
    for path in (ROOT / "licensing/src").rglob("*.py"):
        names = [ast.unparse(node) for node in ast.walk(ast.parse(path.read_text("utf-8")))]
        assert not [name for name in names if re.match(r"(from|import) offsider\b", name)], path.name
