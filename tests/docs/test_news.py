"""The changelog is made of fragments: each has a kind and a sentence, and together they make a page."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from support.pages import ROOT

CHANGES = ROOT / "docs/changes"
FRAGMENTS = sorted(path for path in CHANGES.iterdir() if path.name != "README.md")
KINDS = {
    kind["directory"]
    for kind in tomllib.loads((ROOT / "towncrier.toml").read_text("utf-8"))["tool"]["towncrier"]["type"]
}


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_has_a_name_with_its_kind_and_a_sentence(path: Path) -> None:
    match = re.fullmatch(r"\+[a-z0-9-]+\.([a-z]+)\.md", path.name)
    assert match, "expected +what-it-is-about.KIND.md"
    assert match[1] in KINDS
    text = path.read_text("utf-8").strip()
    assert re.match(r"[A-Z`*]", text), "a sentence"
    assert text.endswith(".")


def test_the_news_can_be_drawn_up() -> None:
    command = [sys.executable, "-m", "towncrier", "build", "--dir", str(ROOT), "--draft"]
    draft = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert draft.returncode == 0, draft.stderr
    for path in FRAGMENTS:
        first = path.read_text("utf-8").split()[:4]
        assert " ".join(first) in " ".join(draft.stdout.split()), path.name
