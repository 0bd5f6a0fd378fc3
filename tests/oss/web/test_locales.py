"""Every language has every text, in all its plural forms, nothing that no page shows, and is shown on every page."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

import offsider.web
from offsider import App
from offsider.contract.web import Locale
from offsider.web.catalogue import FOLDER, locales
from support.site import PAGES, Visitor, fill, payload
from support.texts import texts_of

CODES = ("ar", "de", "en", "es", "fr", "he", "ja", "ko", "pl", "pt-BR", "uk", "zh-CN")
LOCALES = {one.language: one for one in locales()}
TRANSLATED = [code for code in CODES if code != "en"]
TEXTS = texts_of(Path(offsider.web.__file__).parent)
COUNTS = (*range(1000), 1_000_000, 2_000_000)
EMPTY = ("/", "/busy", "/queues", "/queues/mail", "/scheduled", "/retries", "/dead", "/errors", "/metrics", "/find")
ENDS = {".": ".。", "?": "?\uff1f؟", ":": ":\uff1a", "…": "…"}
# The categories of Unicode's CLDR for whole numbers: count → the number of the form.
RULES: dict[str, dict[int, int]] = {
    "ar": {0: 0, 1: 1, 2: 2, 3: 3, 10: 3, 11: 4, 99: 4, 100: 5, 102: 5, 103: 3, 111: 4, 1_000_000: 5},
    "de": {0: 1, 1: 0, 2: 1, 1_000_000: 1},
    "en": {0: 1, 1: 0, 2: 1, 1_000_000: 1},
    "es": {0: 2, 1: 0, 2: 2, 1_000_000: 1, 1_000_001: 2},
    "fr": {0: 0, 1: 0, 2: 2, 1_000_000: 1, 1_000_001: 2},
    "he": {0: 2, 1: 0, 2: 1, 3: 2, 20: 2, 1_000_000: 2},
    "ja": {0: 0, 1: 0, 2: 0},
    "ko": {0: 0, 1: 0, 2: 0},
    "pl": {0: 2, 1: 0, 2: 1, 4: 1, 5: 2, 12: 2, 21: 2, 22: 1, 112: 2},
    "pt-BR": {0: 0, 1: 0, 2: 2, 1_000_000: 1, 1_000_001: 2},
    "uk": {0: 2, 1: 0, 2: 1, 4: 1, 5: 2, 11: 2, 12: 2, 21: 0, 22: 1, 111: 2},
    "zh-CN": {0: 0, 1: 0, 2: 0},
}


def names(text: str) -> list[str]:
    """What is put into a text; one that has no such names must stand the same treatment."""
    found = re.findall(r"%\((\w+)\)s", text)
    assert "%" not in text % dict.fromkeys(found, ""), f"a lone % in {text!r}: write %%"
    return sorted(found)


def forms_of(locale: Locale, text: str) -> tuple[str, ...]:
    """A translation, in all its forms."""
    found = locale.texts[text]
    return (found,) if isinstance(found, str) else found


@pytest.fixture(params=TRANSLATED)
def locale(request: pytest.FixtureRequest) -> Locale:
    """Each language but English."""
    return LOCALES[request.param]


def test_these_are_the_languages() -> None:
    assert tuple(sorted(LOCALES, key=str.lower)) == tuple(sorted(CODES, key=str.lower))
    assert [one for one in CODES if LOCALES[one].direction == "rtl"] == ["ar", "he"]
    assert len({one.name for one in LOCALES.values()}) == len(CODES)


def test_the_texts_of_the_pages_are_found(app: App) -> None:
    assert len(TEXTS) > 200
    site = app.web()
    assert {tab.title for name, tab in site.web.tabs.items() if site.web.tabs.owner(name) == "offsider"} <= set(TEXTS)
    assert {"Redis does not answer", "Delete them", "Run all of these now?", "waits in its queue", "job"} <= set(TEXTS)


def test_a_language_has_every_text_and_no_other(locale: Locale, app: App) -> None:
    pages = app.web().web.pages
    used = {*TEXTS, *(text for name, page in pages.items() if pages.owner(name) == "offsider" for text in page.says)}
    assert sorted(used - set(locale.texts)) == [], "missing"
    assert sorted(set(locale.texts) - used) == [], "no page shows these"


def test_a_text_stands_once_in_a_file_that_says_its_language(locale: Locale) -> None:
    source = (FOLDER / f"{locale.language}.po").read_text("utf-8")
    assert source.count("\nmsgid ") == len(locale.texts) + 1
    assert f'"Language: {locale.language}\\n"' in source
    assert source.startswith("# "), "the file's head has the terms"


def test_a_text_takes_what_its_english_takes(locale: Locale) -> None:
    for text, found in locale.texts.items():
        if isinstance(found, str):
            assert names(found) == names(text), text


def test_a_text_is_text_and_ends_as_its_english(locale: Locale) -> None:
    for text in locale.texts:
        for form in forms_of(locale, text):
            assert form == form.strip() != ""
            assert not re.search("[<>&\x00-\x1f\u200e\u200f\u202a-\u202e\u2066-\u2069]", form), form
            for mark, marks in ENDS.items():
                assert form.endswith(tuple(marks)) == text.endswith(mark), (text, form)


def test_a_language_is_not_english(locale: Locale) -> None:
    same = [text for text in locale.texts if text in forms_of(locale, text) and " " in text and "%" not in text]
    assert same == []


@pytest.mark.parametrize("code", CODES)
def test_counts_choose_forms_by_the_rules_of_the_language(code: str) -> None:
    rules = RULES[code]
    assert {count: LOCALES[code].plural(count) for count in rules} == rules


def test_a_text_with_a_count_has_every_form_and_the_count(locale: Locale) -> None:
    reached: dict[int, list[int]] = {}
    for count in COUNTS:
        reached.setdefault(locale.plural(count), []).append(count)
    for text, many in TEXTS.items():
        if many is None:
            assert isinstance(locale.texts[text], str), text
            continue
        forms = locale.texts[text]
        assert isinstance(forms, tuple)
        assert sorted(reached) == list(range(len(forms))), text
        for number, form in enumerate(forms):
            # Only a form for one very count may say it in words.
            assert names(form) == names(many) or (len(reached[number]) == 1 and not names(form)), form


# -- pages -----------------------------------------------------------------------------------------------------------


def work(app: App, raw: Any) -> None:
    """A job in each place, and a process that runs one."""
    fill(app, raw)
    raw.sadd(app.keys.processes, "box:1:a")
    info = {"hostname": "box", "pid": 1, "queues": ["mail"], "concurrency": 5, "started_at": 1_790_000_000}
    said = {"info": json.dumps(info), "busy": 1, "beat": "4000000000", "rss": 1, "quiet": "true"}
    raw.hset(app.keys.process("box:1:a"), mapping=said)
    job = {"queue": "mail", "run_at": 1_790_000_000, "payload": payload("p1").decode()}
    raw.hset(app.keys.work("box:1:a"), "0", json.dumps(job))


def english_in(text: str) -> list[str]:
    """Sentences of ours that a page shows in English; small words may be within what the doctor says."""
    shown = html.unescape(text)
    return [one for one in TEXTS if one.count(" ") >= 2 and one[0].isupper() and "%" not in one and one in shown]


@pytest.mark.parametrize("code", CODES)
def test_every_page_is_shown_in_every_language(app: App, raw: Any, code: str) -> None:
    visitor = Visitor(app.web(back="/shop"), **{"accept-language": f"{code}, en;q=0.1"})
    empty = [visitor.get(address) for address in EMPTY]
    work(app, raw)
    full = [visitor.get(address) for address in (*PAGES, "/jobs/p1")]
    wrong = [visitor.get(address) for address in ("/nothing", "/?days=0")]
    assert {answer.status_code for answer in (*empty, *full)} == {200}
    assert [answer.status_code for answer in wrong] == [404, 400]
    for answer in (*empty, *full, *wrong):
        assert answer.headers["content-language"] == code
        assert f'<html lang="{code}" dir="{LOCALES[code].direction}"' in answer.text
        assert f'<option value="{code}" lang="{code}" selected>{LOCALES[code].name}</option>' in answer.text
        assert code == "en" or english_in(answer.text) == [], answer.url


@pytest.mark.parametrize("code", CODES)
def test_what_was_done_is_said_in_every_language(app: App, raw: Any, code: str) -> None:
    fill(app, raw)
    visitor = Visitor(app.web())
    answer = visitor.post(f"/retries?lang={code}", {"act": "delete", "jid": "r1"})
    text = visitor.text(answer.headers["location"])
    said = LOCALES[code].texts.get("Deleted: %(count)s", "Deleted: %(count)s")
    assert f'lang="{code}"' in text, "the choice stays, in the address"
    assert str(said) % {"count": '<data value="1">1</data>'} in text


def test_a_choice_stays_in_every_address_of_a_page(app: App, raw: Any) -> None:
    fill(app, raw)
    text = Visitor(app.web()).text("/retries?lang=he")
    links = [html.unescape(link) for link in re.findall(r'href="(/[^"]*)"', text)]
    assert [link for link in links if "/assets/" not in link and "lang=he" not in link] == []
