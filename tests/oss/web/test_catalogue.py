"""Locales are read from .po files as translators' tools write them."""

from __future__ import annotations

from pathlib import Path

from offsider.web.catalogue import locales, parse, read

PO = r"""
# A comment.
msgid ""
msgstr ""
"Language-Team: Polski\n"
"X-Direction: rtl\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\n"

#: somewhere
msgid "Queues"
msgstr "Kolejki \"tak\""

msgid "%(num)s job"
msgid_plural "%(num)s jobs"
msgstr[0] "%(num)s zadanie"
msgstr[1] "%(num)s zadania"
msgstr[2] "%(num)s zadań"
msgid "Not translated"
msgstr ""
"""


def test_a_file_is_read_with_its_plural_forms_and_direction(tmp_path: Path) -> None:
    path = tmp_path / "pl.po"
    path.write_text(PO, "utf-8")
    locale = read(path)
    assert (locale.language, locale.name, locale.direction) == ("pl", "Polski", "rtl")
    assert locale.texts["Queues"] == 'Kolejki "tak"'
    assert [locale.texts["%(num)s job"][locale.plural(count)][8:] for count in (1, 3, 5)] == [
        "zadanie",
        "zadania",
        "zadań",
    ]
    assert "Not translated" not in locale.texts


def test_entries_need_no_empty_line_between_them() -> None:
    assert parse('msgid "a"\nmsgstr "b"\nmsgid "c"\nmsgstr "d"') == {"a": "b", "c": "d"}


def test_english_comes_first_and_every_file_is_read() -> None:
    found = list(locales())
    assert found[0].language == "en"
    assert len({one.language for one in found}) == len(found)
