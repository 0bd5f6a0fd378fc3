"""One request for a page, and the ways to answer it: what a `View` is given."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from ..contract.web import CHANGE, SERVER, Asker, Notice
from ..errors import InvalidOption, shown

if TYPE_CHECKING:
    from ..api.stats import Figures
    from .site import Site

MOST_FORM_BYTES = 1_000_000
MOST_FORM_FIELDS = 11_000  # all that one act may have, and the rest: reading many more would hold up the event loop
SAID, COUNT = "said", "n"
_PLAIN = re.compile(r"[\w.~-]*", re.ASCII)


class Visit:
    """A request.

    Attributes:
        request: Starlette's.
        site: The pages.
        asker: Who asks.
        user: Their name; empty when it is not known.
        form: What was sent: name → texts.
        language: Theirs.
    """

    def __init__(self, request: Request, site: Site, asker: Asker, user: str, body: bytes) -> None:
        self.request = request
        self.site = site
        self.asker = asker
        self.user = user
        self.language = site.languages.chosen(request.query_params, asker.headers.get("accept-language", ""))
        self.form: dict[str, list[str]] = {}
        for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
            self.form.setdefault(name, []).append(value)
        self._may: dict[str, bool] = {}

    @cached_property
    def app(self) -> Any:
        """Whose jobs are shown: an app, or one of its shards.

        Raises:
            LookupError: The address names a server that is not there.
        """
        return self.site.web.source.value(self.asker)

    # -- what was asked ------------------------------------------------------------------------------------

    @property
    def path(self) -> dict[str, str]:
        """What was in braces in the page's path."""
        return {name: str(value) for name, value in self.request.path_params.items()}

    def query(self, name: str, default: str = "") -> str:
        """One of what stands behind the question mark."""
        return self.request.query_params.get(name, default)

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number behind the question mark.

        Raises:
            InvalidOption: It is none, or not in its range.
        """
        text = self.query(name)
        if not text:
            return default
        if text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most:
            return int(text)
        raise InvalidOption(f"{name} is {shown(text)}: expected a whole number from {least} to {most}")

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of several words behind the question mark; the first when it is missing.

        Raises:
            InvalidOption: It is another word.
        """
        text = self.query(name) or choices[0]
        if text in choices:
            return text
        raise InvalidOption(f"{name} is {shown(text)}: expected one of {', '.join(choices)}")

    def sent(self, name: str, default: str = "") -> str:
        """One of what was sent; the last when there are several."""
        return self.form.get(name, [default])[-1]

    def may(self, permission: str = CHANGE) -> bool:
        """True when the asker may do that: buttons that would be refused are not shown. Asked once a page."""
        if permission not in self._may:
            self._may[permission] = self.site.web.authorizer.value.judge(self.asker, permission).allowed
        return self._may[permission]

    # -- addresses -----------------------------------------------------------------------------------------

    @cached_property
    def root(self) -> str:
        """Where the pages are mounted; empty at the top."""
        return str(self.request.scope.get("root_path", "")).rstrip("/")

    @property
    def _below(self) -> str:
        """The page's path below the root, as it was meant: what is escaped in the address is not here."""
        return str(self.request.scope["path"]).removeprefix(self.root)

    def url(self, path: str = "/", /, *parts: Any, **query: Any) -> str:
        """An address of ours.

        Args:
            path: As it is, e.g. ``/queues``.
            parts: What follows, each a part of its own, e.g. the name of a queue.
            query: What stands behind the question mark; None and empty texts are left out.

        Example:
            >>> visit.url("/queues", "mail", page=2)        # doctest: +SKIP
            '/queues/mail?page=2'
        """
        address = self.root + path + "".join([f"/{_quoted(part, quote)}" for part in parts])
        kept = {name: value for name, value in query.items() if value not in (None, "")}
        if self.kept:
            kept |= {name: value for name, value in self.kept.items() if name not in query}
        asked = [f"{_quoted(name, quote_plus)}={_quoted(value, quote_plus)}" for name, value in kept.items()]
        return f"{address}?{'&'.join(asked)}" if kept else address

    @cached_property
    def kept(self) -> dict[str, str]:
        """What stands in every address of this visit: the language and the server that were chosen."""
        kept = {"lang": self.language.code} if self.query("lang") else {}
        server = self.query(SERVER)
        return {**kept, SERVER: server} if server in dict(self.site.web.servers.items()) and server else kept

    @property
    def servers(self) -> dict[str, str]:
        """All that can be shown, the app itself without a name, with the address of this list or of the dashboard."""
        path = next((tab.path for tab in self.site.tabs if self._below == tab.path), "/")
        return {name: self.url(path, **{SERVER: name}) for name, _server in self.site.web.servers.items()}

    def here(self, **query: Any) -> str:
        """This page with another query; what is not named stays."""
        mine = {
            name: value for name, value in self.request.query_params.items() if name not in (SAID, COUNT, *self.kept)
        }
        # One slash only: what begins with two is the address of another host.
        path = "/" + quote(self._below.lstrip("/"), safe="/:@!$&'()*+,;=~-._", errors="replace")
        return self.url(path, **{**mine, **query})

    def on(self, path: str) -> bool:
        """True when this page belongs to a tab."""
        here = self._below or "/"
        return here == path or (path != "/" and here.startswith(f"{path}/"))

    def wanted_back(self, default: str) -> str:
        """Where the form was: what it says in ``back``, if that is one of our addresses; else the default."""
        given = self.sent("back")
        ours = given.startswith(f"{self.root}/") and not given.startswith(("//", "/\\")) and given.isprintable()
        return given if ours else default

    # -- answers -------------------------------------------------------------------------------------------

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page out of a template.

        Args:
            template: ``NAME/x.html``.
            status: The code of the answer.
            context: What the template shows.
        """
        made = self.site.environment.get_template(template)
        html = made.render(
            visit=self, site=self.site, t=self.language.text, status=status, **context
        )  # fmt: skip
        return Response(html.encode("utf-8", "replace"), status, {"content-language": self.language.code}, "text/html")

    def json(self, value: Any, status: int = 200) -> Response:
        """JSON."""
        return JSONResponse(value, status)

    def back(self, address: str, said: str = "", count: int | None = None) -> Response:
        """After a change: to a page, which says what was done.

        Args:
            address: Of `url`.
            said: A text that the `Page` lists in ``says``.
            count: How many, beside it.
        """
        query = {SAID: code(said), COUNT: "" if count is None else str(count)} if said else {}
        joint = "&" if "?" in address else "?"
        return RedirectResponse(f"{address}{joint}{urlencode(query)}" if query else address, 303)

    @property
    def said(self) -> tuple[str, int | None] | None:
        """What the change before this page has done: only texts that pages list."""
        text = self.site.says.get(self.query(SAID))
        count = self.query(COUNT)
        whole = count.isascii() and count.isdigit() and len(count) < 12
        return None if text is None else (text, int(count) if whole else None)

    # -- what every page shows -----------------------------------------------------------------------------

    @cached_property
    def figures(self) -> Figures:
        """Everything in numbers, as it was when this page was made."""
        figures: Figures = self.app.stats.now()
        return figures

    @cached_property
    def notices(self) -> list[Notice]:
        """What is to be said on every page."""
        return self.site.notices()


def _quoted(given: Any, quoter: Callable[..., str]) -> str:
    """As it may stand in an address. Most of what a page puts there needs nothing, and is asked for that only."""
    text = str(given)
    return text if _PLAIN.fullmatch(text) else quoter(text, safe="", errors="replace")


def code(text: str) -> str:
    """A text of ours in an address."""
    return f"{zlib.crc32(text.encode()):08x}"
