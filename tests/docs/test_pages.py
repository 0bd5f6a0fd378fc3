"""How pages look: one heading on top, lines that an editor shows whole."""

from __future__ import annotations

import re

import pytest

from support.pages import Page, pages

MOST_COLUMNS = 120
WRITTEN = [page for page in pages() if "changes" not in page.path.parts]  # fragments become one line of a list each


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_prose_keeps_to_120_columns(page: Page) -> None:
    lines = [line for line in page.prose.splitlines() if not line.startswith("|") and " " in line.strip()]
    assert not [line for line in lines if len(line) > MOST_COLUMNS]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_code_keeps_to_120_columns(page: Page) -> None:
    lines = [line for block in page.blocks("python", "pycon", "toml", "ini") for line in block.text.splitlines()]
    assert not [line for line in lines if len(line) > MOST_COLUMNS]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_a_page_has_one_title_and_begins_with_it(page: Page) -> None:
    titles = re.findall(r"^# .+$", page.prose, re.MULTILINE)
    assert len(titles) == 1
    assert page.text.startswith(titles[0])


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_no_two_headings_of_a_page_have_the_same_anchor(page: Page) -> None:
    assert len(page.anchors()) == len(page.headings())
