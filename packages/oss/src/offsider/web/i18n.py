"""Which language a reader gets, and texts in it. English is in the code; a text that has no translation stays so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..contract.web import Locale
from .catalogue import ENGLISH


@dataclass(frozen=True, slots=True)
class Language:
    """One language: all that was registered for it.

    Attributes:
        code: E.g. ``de``.
        parts: Its locales, the core's first.
    """

    code: str
    parts: tuple[Locale, ...]

    @property
    def name(self) -> str:
        """How it calls itself."""
        return next((one.name for one in self.parts if one.name), self.code)

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return "rtl" if any(one.direction == "rtl" for one in self.parts) else "ltr"

    def text(self, english: str) -> str:
        """A text without a count."""
        for part in self.parts:
            found = part.texts.get(english)
            if isinstance(found, str):
                return found
        return english

    def counted(self, one: str, many: str, count: int) -> str:
        """A text that depends on a count."""
        for part in self.parts:
            forms = part.texts.get(one)
            if isinstance(forms, tuple):
                return forms[min(part.plural(count), len(forms) - 1)]
        return one if count == 1 else many


class Languages:
    """All languages there are.

    Args:
        locales: As they were registered.
    """

    def __init__(self, locales: Iterable[Locale]) -> None:
        parts: dict[str, list[Locale]] = {}
        for locale in locales:
            parts.setdefault(locale.language, []).append(locale)
        self._languages = {code: Language(code, tuple(some)) for code, some in parts.items()}
        self._english = self._languages.get("en", Language("en", (ENGLISH,)))

    def all(self) -> list[Language]:
        """All of them, by code."""
        return [self._languages[code] for code in sorted(self._languages)]

    def chosen(self, query: Mapping[str, str], accept: str) -> Language:
        """What a reader wants: ``?lang=``, else the header ``Accept-Language``, else English."""
        for code in (query.get("lang", ""), *wanted(accept)):
            found = self._language(code)
            if found is not None:
                return found
        return self._english

    def _language(self, code: str) -> Language | None:
        """The very one, the one without a region, or that of another region: who reads ``pt`` can read ``pt-BR``."""
        by_case = {one.lower(): language for one, language in self._languages.items()}
        base = code.lower().partition("-")[0]
        near = (language for one, language in by_case.items() if one.startswith(f"{base}-"))
        return by_case.get(code.lower()) or by_case.get(base) or next(near, None)


def wanted(accept: str) -> list[str]:
    """Codes of a header ``Accept-Language``, the best first, without those that are refused.

    Example:
        >>> wanted("en; q=0.5, de-AT, fr;q=0, *;q=0.1")
        ['de-AT', 'en', '*']
    """
    found = []
    for part in accept[:500].split(","):
        code, _, quality = part.replace(" ", "").partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        if code and weight > 0:
            found.append((-weight, code))
    return [code for _weight, code in sorted(found, key=lambda one: one[0])]
