"""What the web pages are made of: values that the core and editions register at a `Web`. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from .findings import WARNING

if TYPE_CHECKING:
    from ..api.entry import JobEntry
    from ..web.visit import Visit

OPEN = "open"
READ = "read"
CHANGE = "change"
PERMISSIONS = (OPEN, READ, CHANGE)
SERVER = "server"  # what chooses one, behind the question mark

View = Callable[["Visit"], Any]
"""Is given the visit; gives the answer: what ``visit.page``, ``visit.json`` or ``visit.back`` has returned. A ``def``
runs in a thread of its own, an ``async def`` on the event loop."""


@dataclass(frozen=True, slots=True)
class Page:
    """One address.

    Attributes:
        path: E.g. ``/queues/{name}``; what is in braces is in ``visit.path``.
        view: What answers.
        method: ``GET``, or ``POST`` for what changes something.
        permission: ``read``, ``change``; or ``open`` to everybody, for probes that tell nothing.
        says: Texts, in English, that `Visit.back` may show after a change.

    Example:
        >>> Page("/tenants", lambda visit: visit.page("acme/tenants.html")).permission
        'read'
    """

    path: str
    view: View
    method: str = "GET"
    permission: str = READ
    says: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tab:
    """An entry of the navigation.

    Attributes:
        title: In English; shown in the reader's language when a locale has it.
        path: Where it leads, e.g. ``/tenants``.
        icon: The name of a symbol of ours; the title's first letter when there is no such.
        count: A function of ``app.stats.now()``: the number beside it; None for none.
        alarming: True when a number above zero is bad news.
    """

    title: str
    path: str
    icon: str = ""
    count: Callable[[Any], int] | None = None
    alarming: bool = False


@dataclass(frozen=True, slots=True)
class Locale:
    """Texts in one language. Several may be registered for a language; the first that has a text gives it.

    Attributes:
        language: As browsers ask for it, e.g. ``de`` or ``pt-BR``.
        texts: English → translated; a list of plural forms where a text has them.
        name: How the language calls itself.
        direction: ``ltr`` or ``rtl``.
        plural: Gives the number of the plural form for a count.
    """

    language: str
    texts: Mapping[str, str | tuple[str, ...]]
    name: str = ""
    direction: str = "ltr"
    plural: Callable[[int], int] = field(default=lambda count: int(count != 1))


@dataclass(frozen=True, slots=True)
class Assets:
    """Files of an edition.

    Attributes:
        folder: Has ``templates/``, found as ``NAME/x.html``, and ``static/``, served as ``/assets/NAME/x.css``; NAME is
            what it is registered under. Each may be missing.
        scripts, styles: Names of files in ``static/`` that every page loads.
    """

    folder: Path
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A line on every page.

    Attributes:
        text: What is said.
        level: ``ok``, ``unknown``, ``warning`` or ``problem``.
        path: Where it leads; empty for nowhere.
    """

    text: str
    level: str = WARNING
    path: str = ""


Banner = Callable[[], Iterable[Notice]]
"""What is to be said on every page now. Asked with each page: answer from memory, at once."""

JobRows = Callable[["JobEntry"], Iterable[tuple[str, str]]]
"""Titles and texts of further rows on the page of one job."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks.

    Attributes:
        address: Of the client, as the server says; empty when it does not.
        headers: Lower-case names.
        method, path: What for.
        scope: All that the server has said (ASGI); whoever is in front may have put a user there.
    """

    address: str
    headers: Mapping[str, str]
    method: str
    path: str
    scope: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def query(self, name: str) -> str:
        """One of what stands behind the question mark of the address; empty when it does not.

        Example:
            >>> Asker("", {}, "GET", "/", {"query_string": b"server=eu"}).query("server")
            'eu'
        """
        raw: bytes = self.scope.get("query_string", b"")
        return dict(parse_qsl(raw.decode("latin-1"))).get(name, "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an authorizer says.

    Attributes:
        allowed: Whether.
        user: Who it is; empty when that is not known.
        reason: Why not, as a sentence for whoever has asked.
        challenge: For the header ``WWW-Authenticate``: who asks may name themselves. The status is 401 then, else 403.
    """

    allowed: bool
    user: str = ""
    reason: str = ""
    challenge: str = ""


class Authorizer(Protocol):
    """Decides who may read and change."""

    def judge(self, asker: Asker, permission: str) -> Verdict:
        """May they?

        Args:
            asker: Who.
            permission: ``read`` or ``change``.
        """


Server = Callable[[], Any]
"""Gives an app, or one of its shards: another Redis that the pages can show."""

Source = Callable[["Asker"], Any]
"""The app or the shard whose jobs a page shows."""
