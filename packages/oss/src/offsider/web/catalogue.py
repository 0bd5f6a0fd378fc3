"""Our languages: ``locales/*.po``, as translators' tools write them, read as they are. Knows nothing of requests."""

from __future__ import annotations

import ast
import re
from functools import cache
from gettext import c2py
from pathlib import Path

from ..contract.web import Locale

FOLDER = Path(__file__).parent / "locales"
_ENTRY = re.compile(r'(msgid|msgid_plural|msgstr(?:\[\d+\])?|msgctxt)\s+(".*")\Z')
_HEADER = re.compile(r"^([\w-]+):\s*(.*)$", re.MULTILINE)
_PLURAL = re.compile(r"plural=(.+?);?\s*\Z")
ENGLISH = Locale("en", {}, name="English")

Texts = dict[str, str | tuple[str, ...]]


@cache
def locales() -> tuple[Locale, ...]:
    """English, and every language that has a file, by its code; read once a process."""
    return (ENGLISH, *(read(path) for path in sorted(FOLDER.glob("*.po"))))


def read(path: Path) -> Locale:
    """The locale in a file; its code is the file's name.

    The header's ``Language-Team`` is how the language calls itself, ``X-Direction: rtl`` how it is
    written.
    """
    texts = parse(path.read_text("utf-8"))
    heading = texts.pop("", "")
    header = dict(_HEADER.findall(heading if isinstance(heading, str) else ""))
    rule = _PLURAL.search(header.get("Plural-Forms", ""))
    plural = c2py(rule[1]) if rule else ENGLISH.plural
    name = header.get("Language-Team", path.stem)
    return Locale(path.stem, texts, name=name, direction=header.get("X-Direction", "ltr"), plural=plural)


def parse(text: str) -> Texts:
    r"""Texts and their translations; those that are not translated are left out.

    Example:
        >>> parse('msgid "Queues"\nmsgstr "Warte"\n"schlangen"\n')
        {'Queues': 'Warteschlangen'}
    """
    found: Texts = {}
    entry: dict[str, str] = {}
    last = ""
    for line in [*text.splitlines(), ""]:
        match = _ENTRY.match(line.strip())
        if match and match[1] == "msgid" and "msgid" in entry:
            _keep(found, entry)
            entry = {}
        if match:
            last = match[1]
            entry[last] = _text(match[2])
        elif line.strip().startswith('"') and last:
            entry[last] += _text(line.strip())
        elif not line.strip() and entry:
            _keep(found, entry)
            entry, last = {}, ""
    return found


def _text(quoted: str) -> str:
    """What stands in quotes; only where something is escaped is it worth a parser."""
    return quoted[1:-1] if "\\" not in quoted else str(ast.literal_eval(quoted))


def _keep(found: Texts, entry: dict[str, str]) -> None:
    forms = tuple(value for name, value in entry.items() if name.startswith("msgstr["))
    if forms and all(forms):
        found[entry["msgid"]] = forms
    elif entry.get("msgstr"):
        found[entry["msgid"]] = entry["msgstr"]
