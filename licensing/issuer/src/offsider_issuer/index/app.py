"""The index as an ASGI app. What is unknown and what is not bought look the same: 404."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ..database import opened
from ..errors import FolderError
from ..folder import Folder
from ..ledger import Ledger
from ..records import Holder, License
from ..shelf import FOR_SALE, Shelf
from ..wheel import normalised
from . import pages
from .accept import JSON, chosen
from .bucket import Buckets
from .downloads import Downloads
from .gate import Gate, address_of

METADATA = ".metadata"
PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
NOT_HERE = "There is no such thing for this key. /simple/ lists what it may fetch, /whoami what was bought.\n"

_log = logging.getLogger("offsider_issuer.index")


@dataclass(frozen=True, slots=True)
class Rates:
    """How many requests: at once, and per second after that; of one key, and of one address.

    An installation asks 20 to 60 times, since pip asks every index for every dependency.
    """

    key_burst: int = 2_000
    key_per_s: float = 20.0
    address_burst: int = 2_000
    address_per_s: float = 20.0


class Index:
    """The pages and files of one vendor's index.

    Duties: opens the ledger anew for each request, so that a copied or restored one counts at once; shows each
    holder what their licences cover and nothing else; hands out only files that the ledger names.
    """

    def __init__(
        self, folder: Folder, rates: Rates, now_s: Callable[[], float], monotonic_s: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._now_s = now_s
        self._downloads = Downloads(folder.downloads, now_s)
        self._gate = Gate(
            Buckets(rates.address_burst, rates.address_per_s, monotonic_s),
            Buckets(rates.key_burst, rates.key_per_s, monotonic_s),
        )

    def routes(self) -> list[Route]:
        """What can be asked for."""
        return [
            Route("/healthz", self.health),
            Route("/whoami", self.whoami),
            Route("/simple", self.simple),
            Route("/simple/", self.projects),
            Route("/simple/{project}", self.slash),
            Route("/simple/{project}/", self.project),
            Route("/files/{file}", self.file),
        ]

    async def health(self, _request: Request) -> Response:
        """200 when the ledger can be read."""
        with opened(self._folder.ledger, read_only=True):
            return PlainTextResponse("ok\n")

    async def whoami(self, request: Request) -> Response:
        """What a key may fetch, for people: the first thing to look at when an installation finds nothing."""
        with self._admitted(request) as (holder, shelf):
            newest = {one.project: one for one in shelf.packages() if holder.license_for(one)}
        lines = [f"{holder.key_id}: {holder.customer}"]
        lines += [f"{one.license_id}: {one.edition}, {_state(one, self._now_s())}" for one in holder.licenses]
        lines += [f"{one.project}: {one.version} and older" for one in newest.values()]
        return PlainTextResponse("\n".join([*lines, ""]), headers=PRIVATE)

    async def simple(self, _request: Request) -> Response:
        """To the list of projects."""
        return RedirectResponse("./simple/", 308)

    async def slash(self, request: Request) -> Response:
        """To a project's page, whatever project it is."""
        return RedirectResponse(f"./{normalised(request.path_params['project'])}/", 308)

    async def projects(self, request: Request) -> Response:
        """The projects that this key may fetch."""
        with self._admitted(request) as (holder, shelf):
            found = sorted({one.project for one in shelf.packages() if holder.license_for(one)})
        return _page(request, pages.project_list_html(found), pages.project_list_json(found))

    async def project(self, request: Request) -> Response:
        """The files of a project that this key may fetch."""
        name = normalised(request.path_params["project"])
        with self._admitted(request) as (holder, shelf):
            known = shelf.packages(name) if name in FOR_SALE else []
            found = [one for one in known if holder.license_for(one)]
        if not found:
            raise HTTPException(404, NOT_HERE)
        return _page(request, pages.project_html(name, found), pages.project_json(name, found))

    async def file(self, request: Request) -> Response:
        """A wheel, or its metadata."""
        asked = request.path_params["file"]
        with self._admitted(request) as (holder, shelf):
            package = shelf.file(asked.removesuffix(METADATA))
            covering = holder.license_for(package) if package else None
        if package is None or covering is None:
            raise HTTPException(404, NOT_HERE)
        if asked.endswith(METADATA):
            return FileResponse(self._path(f"{package.file}{METADATA}"), media_type="text/plain", headers=FOR_EVER)
        path = self._path(package.file)
        if request.method == "GET":
            self._downloads.note(covering, package, address_of(request))
        return FileResponse(path, media_type="application/octet-stream", headers=FOR_EVER)

    @contextmanager
    def _admitted(self, request: Request) -> Iterator[tuple[Holder, Shelf]]:
        with opened(self._folder.ledger, read_only=True) as connection:
            holder = self._gate.admit(request, Ledger(connection, self._now_s))
            yield holder, Shelf(connection, self._folder, self._now_s)

    def _path(self, name: str) -> Path:
        # The name is the ledger's own, never the request's.
        path = self._folder.packages / name
        if not path.is_file():
            raise FolderError(f"{path} is in the ledger but not in the folder: copy the folder of packages, too")
        return path


def make_app(
    folder: Folder,
    rates: Rates | None = None,
    now_s: Callable[[], float] = time.time,
    monotonic_s: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The index of a vendor's folder, as an ASGI app.

    Args:
        folder: The vendor's folder.
        rates: How many requests are answered.
        now_s: The time, in seconds since 1970.
        monotonic_s: A clock that never goes back.
    """
    index = Index(folder, rates or Rates(), now_s, monotonic_s)
    handlers = {HTTPException: _refused, FolderError: _unavailable}
    return Starlette(routes=index.routes(), exception_handlers=handlers)  # type: ignore[arg-type]


def _page(request: Request, html: str, json: str) -> Response:
    kind = chosen(request.headers.get("accept", ""))
    if kind is None:
        raise HTTPException(406, f"Pages are text/html or {JSON}.\n")
    return Response(json if kind == JSON else html, media_type=kind, headers=PRIVATE)


def _state(license: License, now_s: float) -> str:
    if license.revoked_s is not None:
        return "revoked"
    if license.ends_s < now_s:
        return f"ended on {license.ends}: versions built until then"
    return f"until {license.ends}"


async def _refused(_request: Request, error: HTTPException) -> Response:
    return PlainTextResponse(error.detail, error.status_code, headers={**PRIVATE, **(error.headers or {})})


async def _unavailable(_request: Request, error: FolderError) -> Response:
    _log.error("%s", error)
    return PlainTextResponse("The index has a fault. Try again later.\n", 503, headers={"Retry-After": "60"})
