"""Every text of the pages of the crontab is there in every language, with the same placeholders."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offsider.web.catalogue import FOLDER, read
from offsider_enterprise.cron import missed, page, run
from offsider_enterprise.cron.entry import SOURCES
from support.site import Visitor

from .conftest import YEARLY, CronBench

LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.po"))
TEMPLATES = sorted((Path(page.__file__).parent / "pages" / "templates").glob("*.html"))
TEXT = re.compile(r"""(?<![a-z])_\(["']((?:[^"'\\]|(?<=\w)'(?=\w))+)["']""")


def texts() -> set[str]:
    found = {text for path in TEMPLATES for text in TEXT.findall(path.read_text("utf-8"))}
    shown = {run.ENQUEUED, run.BY_HAND, run.LEFT_OUT, run.REFUSED, *missed.POLICIES, *SOURCES}
    return {*found, *shown, *page.SAYS.values(), page.NOTHING, "Crontab", "%(num)s entry"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    ours = read(page.LOCALES / f"{language}.po").texts
    known = {**read(FOLDER / f"{language}.po").texts, **ours}
    assert texts() - known.keys() == set()
    assert ours.keys() - texts() == set(), "what is not shown any more"
    for text, translated in ours.items():
        forms = translated if isinstance(translated, tuple) else (translated,)
        if isinstance(translated, str):
            assert re.findall(r"%\(\w+\)s", translated) == re.findall(r"%\(\w+\)s", text)
        assert all(forms)


def test_a_page_speaks_the_readers_language(bench: CronBench) -> None:
    bench.crontab.add("a", "report", YEARLY)
    bench.crontab.pause("a", by="ann")
    german = Visitor(bench.app.web()).text("/cron?lang=de")
    assert "Zeitplan" in german
    assert "angehalten von ann" in german
    assert "1 Eintrag" in german
