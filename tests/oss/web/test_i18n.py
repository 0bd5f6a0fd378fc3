"""A reader gets their language, a region's falls back to the language, and what is missing is English."""

from __future__ import annotations

import pytest

from offsider.contract.web import Locale
from offsider.web.i18n import Languages

GERMAN = Locale("de", {"Queues": "Warteschlangen", "%(num)s job": ("%(num)s Job", "%(num)s Jobs")}, name="Deutsch")
BRAZIL = Locale("pt-BR", {"Queues": "Filas"}, name="Português (Brasil)")
HEBREW = Locale("he", {}, direction="rtl")
ADDED = Locale("de", {"Tenants": "Mandanten", "Queues": "Schlangen"})
LANGUAGES = Languages([Locale("en", {}, name="English"), GERMAN, BRAZIL, HEBREW, ADDED])


@pytest.mark.parametrize(
    ("query", "accept", "code"),
    [("", "", "en"), ("", "de", "de"), ("", "de-AT,en;q=0.5", "de"), ("", "fr, de;q=0.2, en;q=0.1", "de"),
     ("de", "en", "de"), ("xx", "de", "de"), ("", "PT-br", "pt-BR"), ("", "de;q=x, en", "en"),
     ("", "pt", "pt-BR"), ("", "pt-PT, en;q=0.9", "pt-BR"), ("", "en; q=0.3, de; q=0.7", "de"), ("", "de;q=0", "en"),
     ("", "-, d, p-", "en"), ("", ",;q=,*" * 500, "en")],
)  # fmt: skip
def test_the_language_is_what_was_asked_for_first(query: str, accept: str, code: str) -> None:
    assert LANGUAGES.chosen({"lang": query} if query else {}, accept).code == code


def test_editions_add_to_a_language_and_change_nothing_of_it() -> None:
    german = LANGUAGES.chosen({}, "de")
    assert german.text("Queues") == "Warteschlangen"
    assert german.text("Tenants") == "Mandanten"
    assert german.text("Unknown") == "Unknown"
    assert [german.counted("%(num)s job", "%(num)s jobs", count) for count in (1, 2)] == ["%(num)s Job", "%(num)s Jobs"]
    assert german.counted("%(num)s queue", "%(num)s queues", 2) == "%(num)s queues"
    assert german.name == "Deutsch"


def test_a_language_is_written_its_way() -> None:
    assert LANGUAGES.chosen({}, "he").direction == "rtl"
    assert LANGUAGES.chosen({}, "he").name == "he"
    assert [one.code for one in LANGUAGES.all()] == ["de", "en", "he", "pt-BR"]
