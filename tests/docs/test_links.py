"""Every relative link in the documentation leads somewhere, to its heading too."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from support.pages import ROOT, Page, pages

OUTSIDE = ("http://", "https://", "mailto:")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_relative_link_of_a_page_leads_somewhere(page: Page) -> None:
    broken = [link for link in page.links() if not link.startswith(OUTSIDE) and not leads(page, link)]
    assert not broken


def leads(page: Page, link: str) -> bool:
    """True when there is such a file or folder below the root, and such a heading in it."""
    target, _, anchor = unquote(link).partition("#")
    path = (page.path.parent / target).resolve() if target else page.path
    if not path.exists() or ROOT not in (path, *path.parents):
        return False
    return not anchor or anchor in Page(path).anchors()


def test_every_guide_and_decision_is_reached_from_the_read_me() -> None:
    start = Page(ROOT / "README.md")
    reached, waiting = {start.path}, [start]
    while waiting:
        page = waiting.pop()
        for link in page.links():
            path = (page.path.parent / link.partition("#")[0]).resolve()
            path = path / "README.md" if path.is_dir() else path  # what is shown of a folder
            if path.suffix == ".md" and path.is_file() and path not in reached:
                reached.add(path)
                waiting.append(Page(path))
    expected = {path for path in (ROOT / "docs").rglob("*.md") if "changes" not in path.parts}
    assert expected <= reached
