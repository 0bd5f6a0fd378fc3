"""The web pages within a Django project, by WSGI or ASGI: URL patterns, for those whom the project lets in."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

from ...contract.web import CHANGE, READ
from .project import project_app

if TYPE_CHECKING:
    from ...contract.web import Asker

May = Callable[[HttpRequest, str], bool]


def staff(request: HttpRequest, permission: str) -> bool:  # noqa: ARG001
    """True for active staff, who may read and change."""
    user = getattr(request, "user", None)
    return bool(user is not None and user.is_active and user.is_staff)


def urls(may: May = staff, *, title: str | None = None, back: str = "/") -> list[Any]:
    """Patterns for ``path("jobs/", include(urls()))``.

    Django's own protection against forged requests is off here: it asks for a cookie, and the pages have a gate of
    their own, which asks for the origin.

    Args:
        may: Given Django's request and ``"read"`` or ``"change"``: may they? Active staff when left out.
        title: Beside the name on every page.
        back: Where the link to your site leads.
    """

    def judge(asker: Asker, permission: str) -> bool:
        return asker.scope["django.may"].get(permission) is True

    @cache
    def site() -> Any:
        return project_app().web(auth=judge, title=title, back=back)

    def pages(request: HttpRequest, path: str = "") -> HttpResponse:
        root = request.path[: len(request.path) - len(path)].rstrip("/")
        # Asked here, in the request's own thread: on the event loop Django's database may not be used.
        allowed = {permission: may(request, permission) for permission in (READ, CHANGE)}
        scope = {**_scope(request, root), "django.may": allowed}
        status, headers, body = async_to_sync(_asked)(site(), scope, request.body)
        response = HttpResponse(body, status=status)
        for name, value in headers:
            response[name.decode("latin-1")] = value.decode("latin-1")
        return response

    return [re_path(r"^(?P<path>.*)$", csrf_exempt(pages), name="offsider")]


def _scope(request: HttpRequest, root: str) -> dict[str, Any]:
    """The request as ASGI has it; the application's own request is beside it."""
    given = request.headers.items()
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in given]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method,
        "scheme": request.scheme, "path": request.path, "raw_path": None, "root_path": root, "headers": headers,
        "query_string": request.META.get("QUERY_STRING", "").encode("latin-1", "replace"),
        "client": (request.META.get("REMOTE_ADDR", ""), 0), "server": None, "django.request": request,
    }  # fmt: skip


async def _asked(site: Any, scope: dict[str, Any], body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """One request to an ASGI application, and its whole answer."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    started: dict[str, Any] = {}
    parts: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await site(scope, receive, send)
    return started["status"], list(started["headers"]), b"".join(parts)
