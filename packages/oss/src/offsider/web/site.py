"""The pages as an ASGI application: each address is asked for its permission, answered, and nothing else is served."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .. import __version__
from ..contract.web import READ, Asker, Notice, Page, Tab, Verdict
from ..errors import JobError, StoreError
from ..store.connection import redacted
from .doorkeeper import same_origin
from .gate import Gate
from .i18n import Languages
from .looks import environment
from .static import Static
from .visit import MOST_FORM_BYTES, MOST_FORM_FIELDS, Visit, code
from .web import Web

if TYPE_CHECKING:
    from ..app import App
    from ..contract.web import Authorizer

log = logging.getLogger("offsider")

Endpoint = Callable[[Request], Awaitable[Response]]
MISSING = Page("/", lambda visit: visit, permission=READ)


class Site:
    """All pages of an app.

    * every route is made of a `Page`, which has a permission; what has no route is answered like a page that may be
      read: who may not come in is not told what there is;
    * what changes something comes by POST, from a page of ours, or is refused.

    Args:
        app: Whose jobs.
        authorizer: Who may read and change.
        title: Beside the name, e.g. ``staging``.
        back: The address of the application around the pages, for a link.
    """

    def __init__(self, app: App, *, authorizer: Authorizer, title: str = "", back: str = "") -> None:
        self.web = Web(app, authorizer=authorizer)
        self.title, self.back, self.poll_s = title, back, app.settings.web.poll_s
        self.version = __version__
        self.languages = Languages(locale for _name, locale in self.web.locales.items())
        self.environment = environment(tuple(self.web.assets.items()))
        self.static = Static(dict(self.web.assets.items()))
        self.says = {code(text): text for _name, page in self.web.pages.items() for text in page.says}
        routes = [self._route(page) for _name, page in self.web.pages.items()]
        files = Page("/assets/{name}/{file:path}", self.static.answer, permission=READ)
        self.starlette = Starlette(
            routes=[*routes, self._route(files)],
            exception_handlers={404: self._missing, 405: self._missing, Exception: self._failed},
        )
        self.starlette.router.redirect_slashes = False
        self._gated = Gate(self.starlette)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await self._gated(scope, receive, send)

    def where(self, app: Any) -> str:
        """Which Redis that is, without its password, and which namespace."""
        return f"{redacted(app.connections.url)} {app.settings.namespace}".strip()

    @property
    def tabs(self) -> list[Tab]:
        """The navigation."""
        return [tab for _name, tab in self.web.tabs.items()]

    def notices(self) -> list[Notice]:
        """What all banners say now, the same only once; one that fails is logged, and the others are shown."""
        found: list[Notice] = []
        for name, banner in self.web.banners.items():
            try:
                found += banner()
            except Exception:
                log.exception("the banner %r by %s failed; pages go on without", name, self.web.banners.owner(name))
        return list(dict.fromkeys(found))

    def rows(self, job: Any) -> list[tuple[str, str]]:
        """Further rows of a job; who fails is logged, and the others are shown."""
        found: list[tuple[str, str]] = []
        for name, rows in self.web.job_rows.items():
            try:
                found += rows(job)
            except Exception:
                log.exception("the rows %r by %s failed; the page goes on", name, self.web.job_rows.owner(name))
        return found

    # -- routes --------------------------------------------------------------------------------------------

    def _route(self, page: Page) -> Route:
        return Route(page.path, self._endpoint(page), methods=[page.method])

    def _endpoint(self, page: Page) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            return await self._answer(page, request)

        return endpoint

    async def _answer(self, page: Page, request: Request) -> Response:
        asker = asked(request)
        verdict = await self._judged(asker, page.permission)
        if not verdict.allowed:
            challenge = {"www-authenticate": verdict.challenge} if verdict.challenge else None
            return PlainTextResponse(verdict.reason or "You may not see this.", 401 if challenge else 403, challenge)
        if page.method != "GET" and not same_origin(asker):
            return PlainTextResponse("A change is only taken from a page of this site; open it and try there.", 403)
        body = await _body(request) if page.method != "GET" else b""
        if body is None:
            most = f"{MOST_FORM_BYTES:,} bytes or {MOST_FORM_FIELDS:,} fields"
            return PlainTextResponse(f"More than {most} were sent; a form of these pages has fewer.", 413)
        answer = await self._viewed(page, Visit(request, self, asker, verdict.user, body))
        if page.method != "GET":
            self.web.failures.forget()  # whoever has changed something sees it at once
        return answer

    async def _judged(self, asker: Asker, permission: str) -> Verdict:
        """In a thread: who decides may have to ask a directory or a database first."""
        return await run_in_threadpool(self.web.authorizer.value.judge, asker, permission)

    async def _viewed(self, page: Page, visit: Visit) -> Response:
        """What the view answers, or the page of an error that has a meaning to the reader."""
        try:
            if iscoroutinefunction(page.view):
                await run_in_threadpool(getattr, visit, "app")  # its source may wait for something
                answer: Response = await page.view(visit)
            else:
                answer = await run_in_threadpool(page.view, visit)
        except StoreError as error:
            log.warning("a web page has no answer from Redis: %s", error)
            return await self._sorry(visit, 503, "Redis does not answer", str(error))
        except JobError as error:
            return await self._sorry(visit, 400, "This cannot be done", str(error))
        except LookupError as error:
            if type(error) is not LookupError:
                raise  # a KeyError, an IndexError, a template that is missing: a mistake, for the log
            detail = str(error.args[0] if error.args else "")
            return await self._sorry(visit, 404, "There is no such thing here", detail)
        return answer

    async def _sorry(self, visit: Visit, status: int, title: str, text: str) -> Response:
        if page_wanted(visit.asker):
            return await run_in_threadpool(visit.page, "offsider/error.html", status=status, title=title, text=text)
        return visit.json({"error": title, "detail": text}, status)

    # -- what is no page -----------------------------------------------------------------------------------

    async def _missing(self, request: Request, error: Exception) -> Response:
        asker = asked(request)
        verdict = await self._judged(asker, READ)
        if not verdict.allowed:
            return await self._answer(MISSING, request)
        status = error.status_code if isinstance(error, HTTPException) else 404
        visit = Visit(request, self, asker, verdict.user, b"")
        return await self._sorry(visit, status, "There is no such page", request.url.path[:200])

    async def _failed(self, _request: Request, error: Exception) -> Response:
        """Starlette logs it, by raising it once more when this was sent."""
        text = "Something went wrong in these pages; the log of the web process says what.\n"
        return PlainTextResponse(f"{type(error).__name__}. {text}", 500)


def asked(request: Request) -> Asker:
    """Who asks."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    address = request.client.host if request.client else ""
    return Asker(address, headers, request.method, request.url.path, request.scope)


def page_wanted(asker: Asker) -> bool:
    """True for a browser, False for a program that wants JSON."""
    return "application/json" not in asker.headers.get("accept", "")


async def _body(request: Request) -> bytes | None:
    """What was sent; None for too much."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_FORM_BYTES:
            return None
        chunks.append(chunk)
    whole = b"".join(chunks)
    return whole if whole.count(b"&") < MOST_FORM_FIELDS else None
