"""The templates: ours and those of editions, always escaped, with the filters that all of them use."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from ..contract.web import Assets
from ..job.sealing import MASK
from . import wording
from .near import seen


@lru_cache(8)
def environment(assets: tuple[tuple[str, Assets], ...]) -> Environment:
    """All templates; an edition's are found under its name. Sites with the same folders share what is compiled.

    Args:
        assets: Names and folders; the folder ``offsider`` is ours.
    """
    folders = {name: FileSystemLoader(one.folder / "templates") for name, one in assets}
    made = Environment(
        loader=PrefixLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.newstyle_gettext = True  # type: ignore[attr-defined]
    made.globals.update(gettext=_text, ngettext=_counted, _=_text)
    made.filters.update(
        plain=wording.plain, short=wording.short, span=_span, moment=wording.moment, number=wording.number,
        size=wording.size, pretty=wording.pretty, typed=wording.typed, spark=wording.spark,
    )  # fmt: skip
    made.globals.update(call=wording.call, seen=seen, mask=MASK)
    return made


def _span(seconds: float) -> Markup:
    """A length of time, which keeps its order in any language."""
    return Markup(f'<bdi dir="ltr">{wording.span(seconds)}</bdi>')  # noqa: S704 - a number and letters of ours


@pass_context
def _text(context: Context, text: str, /, **values: Any) -> Markup:
    """A translated text; what is put into it is escaped."""
    return _filled(context["visit"].language.text(text), values)


@pass_context
def _counted(context: Context, one: str, many: str, count: int, /, **values: Any) -> Markup:
    """A translated text that depends on a count."""
    values.setdefault("num", count)
    return _filled(context["visit"].language.counted(one, many, count), values)


def _filled(text: str, values: dict[str, Any]) -> Markup:
    """What `Markup` does with ``%``, in a third of its time: there are two texts in each row of a list."""
    return Markup(text % {name: escape(value) for name, value in values.items()})  # noqa: S704 - texts are ours
