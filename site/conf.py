"""The documentation as a site: ``hatch run docs:build``. Its pages are those of docs/, its reference the docstrings.

Sphinx reads a folder that holds all of its pages, and links of ours lead out of it, to source files and READMEs. So the
build copies the pages beside this file's own; of a link that leaves them, the text stays.
"""

from __future__ import annotations

import re
import shutil
from importlib.metadata import version as installed
from pathlib import Path

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
PAGES = HERE / "pages"

project = "Offsider"
author = "The Offsider team"
version = release = installed("offsider")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
root_doc = "index"
html_theme = "furo"
html_title = f"Offsider {version}"
html_copy_source = False
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_class_signature = "separated"
napoleon_google_docstring = True
suppress_warnings = ["misc.highlighting_failure"]
nitpicky = False

_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def copied() -> None:
    """The pages of docs/ below `PAGES`, with links that Sphinx can follow."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(ROOT / "docs" / "images", PAGES / "images")
    for page in sorted((ROOT / "docs").rglob("*.md")):
        inside = page.relative_to(ROOT / "docs")
        if inside.parts[0] == "changes":
            continue
        target = PAGES / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_LINK.sub(lambda match, page=page: _turned(match, page), page.read_text("utf-8")), "utf-8")


def _turned(match: re.Match[str], page: Path) -> str:
    text, path, anchor = match.groups(default="")
    if "://" in path or path.startswith("mailto:"):
        return match.group()
    target = (page.parent / path).resolve()
    if target.is_dir() and (target / "README.md").is_file():
        target = target / "README.md"
        path = f"{path.rstrip('/')}/README.md"
    if target.suffix == ".md" and (ROOT / "docs") in target.parents:
        return f"[{text}]({path}{anchor})"
    return text


copied()
