"""The shape of the house: small files, one role a file, editions unnamed, scripts with headers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OSS = ROOT / "packages/oss/src"
SOURCES = sorted(
    path for folder in ("packages", "licensing", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)
SOURCES = [path for path in SOURCES if not {"build", "dist", ".venv", ".envs"}.intersection(path.parts)]
SCRIPTS = sorted((OSS / "offsider/store/lua").glob("*.lua"))
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
BANNED_NAMES = {"util", "utils", "common", "helpers", "misc"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= MOST_LINES
    assert path.stem not in BANNED_NAMES
    if text:
        assert ast.get_docstring(ast.parse(text)), "a module's first line says what this room does"


@pytest.mark.parametrize("path", [one for one in SOURCES if "tests" not in one.parts], ids=name)
def test_a_function_is_read_in_one_breath(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or 0) - node.lineno + 1 - len((ast.get_docstring(node) or "").splitlines())
            assert lines <= MOST_LINES_OF_A_FUNCTION, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", [one for one in SOURCES if OSS in one.parents], ids=name)
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for owner in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in owner.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                overload = any(isinstance(one, ast.Name) and one.id == "overload" for one in node.decorator_list)
                if not node.name.startswith("_") and not overload:
                    assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_the_free_edition_does_not_name_the_others() -> None:
    for path in OSS.rglob("*"):
        if path.suffix in {".py", ".lua", ".html", ".js", ".css", ".toml"}:
            found = re.search(r"\b(pro|enterprise)\b", path.read_text("utf-8"), re.IGNORECASE)
            assert not found, f"{name(path)} says {found and found.group()!r}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_its_keys_arguments_reply_and_what_it_keeps(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith(f"-- {path.stem}: ")
    for part in ("-- KEYS", "-- ARGV", "-- Returns", "-- Keeps"):
        assert part in text
    assert "cjson" not in text, "a script never decodes a payload"
    assert "'KEYS'" not in text
    assert "LREM" not in text or path.stem == "remove", "a list has no quick way to its middle"


def test_only_the_clock_reads_the_time() -> None:
    for path in (OSS / "offsider").rglob("*.py"):
        if path.name == "clock.py" or "demo" in path.parts:
            continue
        assert not re.search(r"\btime\.(time|time_ns|monotonic)\(", path.read_text("utf-8")), name(path)


def test_only_the_store_knows_the_redis_client() -> None:
    for path in (OSS / "offsider").rglob("*.py"):
        if "store" not in path.parts:
            assert not re.search(r"^\s*(import|from) redis\b", path.read_text("utf-8"), re.MULTILINE), name(path)


def test_only_one_file_spells_keys() -> None:
    for path in (OSS / "offsider").rglob("*.py"):
        if path.name != "keys.py":
            assert not re.search(r"[\"'](queue:|stat:|inflight:|bell:|lane:)", path.read_text("utf-8")), name(path)


def test_the_tests_never_sleep() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        assert "time." + "sleep(" not in path.read_text("utf-8"), name(path)


def test_the_tests_mirror_the_source() -> None:
    source = OSS / "offsider"
    for path in (ROOT / "tests/oss").rglob("test_*.py"):
        mirrored = source / path.relative_to(ROOT / "tests/oss").parent / f"{path.stem.removeprefix('test_')}.py"
        package = mirrored.with_suffix("")
        script = source / "store/lua" / f"{mirrored.stem}.lua"
        assert mirrored.is_file() or package.is_dir() or script.is_file(), f"{name(path)} mirrors nothing"
