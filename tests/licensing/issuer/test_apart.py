"""The vendor's side is the vendor's: nothing of it reaches a customer, and no private key is in the repository."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import offsider_issuer

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "licensing/issuer/src/offsider_issuer"
SHIPPED = ("packages/oss/src", "packages/pro/src", "packages/enterprise/src", "licensing/src")
MODULES = [
    one.name
    for one in pkgutil.walk_packages(offsider_issuer.__path__, "offsider_issuer.")
    if not one.name.endswith("__main__")
]


def test_nothing_that_is_shipped_names_it() -> None:
    for place in SHIPPED:
        for path in (ROOT / place).rglob("*.py"):
            assert "offsider_issuer" not in path.read_text("utf-8"), path


def test_it_imports_none_of_the_editions() -> None:
    for path in SOURCE.rglob("*.py"):
        found = re.findall(r"^\s*(?:from|import) (offsider\w*)", path.read_text("utf-8"), re.MULTILINE)
        assert not set(found) - {"offsider_issuer", "offsider_licensing"}, path


def test_no_distribution_that_is_shipped_holds_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT / "licensing", check=True, capture_output=True)
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        assert not [name for name in archive.getnames() if "issuer" in name]


def test_no_private_key_is_in_the_repository_but_those_of_tests() -> None:
    words = ["git", "grep", "--untracked", "-lE", "BEGIN (ENCRYPTED )?PRIVATE" + " KEY", "--", ":!tests"]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    if found.returncode == 128:
        pytest.skip("this is no repository")
    assert found.stdout == ""


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_come_out(name: str) -> None:
    said: list[str] = []
    for test in doctest.DocTestFinder().find(importlib.import_module(name)):
        assert not doctest.DocTestRunner().run(test, out=said.append).failed, "".join(said)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_everything_public_has_a_docstring(path: Path) -> None:
    import ast

    tree = ast.parse(path.read_text("utf-8"))
    for owner in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in owner.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name[0] != "_":
                assert ast.get_docstring(node), f"{node.name} has no docstring"
