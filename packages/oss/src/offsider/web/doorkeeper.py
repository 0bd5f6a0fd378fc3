"""Who may come in: this machine alone, whoever knows the password, or whom the application around us lets in."""

from __future__ import annotations

import base64
import hmac
import ipaddress
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from ..contract.web import OPEN, Asker, Authorizer, Verdict
from ..errors import ConfigError, shown

FORWARDED = ("forwarded", "x-forwarded-", "x-real-ip", "via")
NAMES = frozenset({"localhost"})
HOW = (
    "Give the pages a password: the settings web.user and web.password (OFFSIDER_WEB_USER, OFFSIDER_WEB_PASSWORD), or"
    " app.web(auth=…)"
)


class Loopback:
    """Everything is allowed to this machine, and nothing to any other.

    What came through a proxy is not from this machine, and neither is what names another host, or comes from a page
    of one: a page elsewhere can make a browser here ask for its own name at our address.

    Example:
        >>> Loopback().judge(Asker("203.0.113.9", {}, "GET", "/"), "read").allowed
        False
    """

    def judge(self, asker: Asker, permission: str) -> Verdict:
        """May they?"""
        if permission == OPEN:
            return Verdict(True)
        if any(name.startswith(FORWARDED) for name in asker.headers):
            return Verdict(False, reason=f"Through a proxy, these pages need a password. {HOW}")
        if not is_loopback(asker.address):
            return Verdict(False, reason=f"From another machine, these pages need a password. {HOW}")
        called = [asker.headers.get("host", ""), *([_netloc(asker)] if "origin" in asker.headers else [])]
        if not all(is_loopback(_host(one)) for one in called):
            return Verdict(False, reason=f"Without a password, these pages answer to localhost only. {HOW}")
        return Verdict(True)


class Password:
    """One user, by HTTP's basic authentication.

    Args:
        user: Their name.
        password: What they know.

    Raises:
        ConfigError: One of them is empty.
    """

    CHALLENGE = 'Basic realm="Offsider", charset="UTF-8"'

    def __init__(self, user: str, password: str) -> None:
        if not user or not password:
            missing = "user" if not user else "password"
            raise ConfigError(f"the web pages' {missing} is empty: expected a text. {HOW}")
        self._user = user
        self._known = f"{user}:{password}".encode()

    def judge(self, asker: Asker, permission: str) -> Verdict:
        """May they? Takes as long for a wrong password as for the right one."""
        if permission == OPEN:
            return Verdict(True)
        scheme, _, encoded = asker.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
        except ValueError:
            given = b""
        if hmac.compare_digest(given, self._known):
            return Verdict(True, user=self._user)
        return Verdict(False, reason="These pages need a user and a password.", challenge=self.CHALLENGE)


class Asked:
    """A function of yours decides.

    Args:
        decide: Is given the asker and ``read`` or ``change``; returns whether, or a `Verdict`. Called in a thread.

    Raises:
        ConfigError: It is an ``async def``.
    """

    def __init__(self, decide: Callable[[Asker, str], bool | Verdict]) -> None:
        if iscoroutinefunction(decide):
            raise ConfigError(
                f"auth is {shown(decide)}, an async def: expected a def. It is called in a thread of its own and may"
                " wait there"
            )
        self._decide = decide

    def judge(self, asker: Asker, permission: str) -> Verdict:
        """What it says."""
        if permission == OPEN:
            return Verdict(True)
        said = self._decide(asker, permission)
        if isinstance(said, Verdict):
            return said
        return Verdict(said is True, reason=f"You may not {permission} here.")


class Host:
    """The application in which the pages are mounted has let in whoever comes here."""

    def judge(self, asker: Asker, permission: str) -> Verdict:  # noqa: ARG002
        """They may."""
        return Verdict(True)


Auth = tuple[str, str] | str | Callable[[Asker, str], bool | Verdict] | None


def authorizer(auth: Auth, user: str, password: str | None) -> Authorizer:
    """Who decides.

    Args:
        auth: ``(user, password)``; a function of an `Asker` and a permission; ``"host"`` when the application around
            the pages lets in only whom it should; None for what the settings say.
        user, password: Of the settings.

    Raises:
        ConfigError: ``auth`` is none of these.
    """
    if auth is None:
        return Password(user, password) if password else Loopback()
    if auth == "host":
        return Host()
    given: Any = auth
    if isinstance(given, tuple) and len(given) == 2 and all(isinstance(one, str) for one in given):
        return Password(*given)
    if callable(auth):
        return Asked(auth)
    raise ConfigError(
        f'auth is {shown(type(auth))}: expected (user, password), a function, "host" for an application that checks'
        " who comes in itself, or None for what the settings say"
    )


def same_origin(asker: Asker) -> bool:
    """True when a page of ours has asked, as far as the browser says; without its word it has not.

    Example:
        >>> same_origin(Asker("", {"origin": "https://jobs.example", "host": "jobs.example"}, "POST", "/"))
        True
    """
    site = asker.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    host = asker.headers.get("host", "")
    return bool(host) and _netloc(asker) == host.lower()


def is_loopback(host: str) -> bool:
    """True for an address or a name of this very machine.

    Example:
        >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.1", "evil.example")]
        [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() in NAMES or host.lower().endswith(".localhost")


def _netloc(asker: Asker) -> str:
    """The host and port of the page that has asked; empty for one that has none (``null``)."""
    return asker.headers.get("origin", "").partition("://")[2].lower()


def _host(header: str) -> str:
    """``[::1]:80`` and ``localhost:80`` without the port."""
    return header.partition("]")[0].strip("[") if header.startswith("[") else header.partition(":")[0]
