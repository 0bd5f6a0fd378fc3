"""Who comes in: this machine, who knows the password, whom a function lets in; and from where a change may come."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from offsider import App
from offsider.contract.web import CHANGE, OPEN, READ, Asker, Verdict
from offsider.errors import ConfigError
from offsider.web.doorkeeper import Loopback, Password, authorizer, is_loopback, same_origin
from support.site import Visitor


def asker(address: str = "127.0.0.1", **headers: str) -> Asker:
    """Somebody."""
    return Asker(address, {name.replace("_", "-"): value for name, value in headers.items()}, "GET", "/")


def basic(user: str, password: str) -> str:
    """The header of a browser."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        (asker(host="localhost:8765"), True),
        (asker(host="127.0.0.1"), True),
        (asker("::1", host="[::1]:8765"), True),
        (asker(host="jobs.localhost"), True),
        (asker(host="evil.example"), False),
        (asker(host="evil.example:8765"), False),
        (asker(host=""), False),
        (asker("10.1.2.3", host="localhost"), False),
        (asker("", host="localhost"), False),
        (asker(host="localhost", x_forwarded_for="10.1.2.3"), False),
        (asker(host="localhost", forwarded="for=10.1.2.3"), False),
        (asker(host="localhost", x_forwarded_proto="https"), False),
        (asker(host="localhost", via="1.1 proxy"), False),
        (asker(host="localhost", origin="http://localhost:8765"), True),
        (asker(host="localhost", origin="https://jobs.example"), False),
        (asker(host="localhost", origin="null"), False),
    ],
)
def test_without_a_password_only_this_machine_comes_in(given: Asker, allowed: bool) -> None:
    for permission in (READ, CHANGE):
        verdict = Loopback().judge(given, permission)
        assert verdict.allowed is allowed
        assert allowed or "web.password" in verdict.reason
    assert Loopback().judge(given, OPEN).allowed


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", basic("ada", "no"), basic("eve", "tea é"), "Bearer x"])
def test_a_wrong_password_is_asked_for_again(app: App, header: str) -> None:
    visitor = Visitor(app.web(auth=("ada", "tea é")), address="10.1.2.3", host="jobs.example")
    answer = visitor.get("/", authorization=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert answer.headers["content-security-policy"]
    assert visitor.post("/retries", authorization=header).status_code == 401


def test_the_right_password_comes_in_from_anywhere(app: App) -> None:
    visitor = Visitor(app.web(auth=("ada", "tea é:x")), address="10.1.2.3", host="jobs.example")
    answer = visitor.get("/", authorization=basic("ada", "tea é:x"))
    assert answer.status_code == 200
    assert "Signed in as ada" in answer.text
    assert visitor.get("/healthz").status_code == 200


def test_the_settings_have_the_password(make_app: Any) -> None:
    site = make_app(web={"user": "bob", "password": "hush"}).web()
    assert Visitor(site).get("/").status_code == 401
    assert Visitor(site).get("/", authorization=basic("bob", "hush")).status_code == 200


def test_a_function_may_decide_by_what_the_application_has_put_into_the_scope() -> None:
    door = authorizer(lambda who, permission: who.scope.get("user") == "ada" and permission == READ, "", None)
    ada = Asker("", {}, "GET", "/", {"user": "ada"})
    assert door.judge(ada, READ).allowed
    assert not door.judge(ada, CHANGE).allowed
    assert door.judge(asker(), OPEN).allowed
    told = authorizer(lambda who, permission: Verdict(False, reason="not today"), "", None)
    assert told.judge(ada, READ).reason == "not today"


def test_only_true_is_a_yes() -> None:
    door: Any = authorizer(lambda who, permission: "yes", "", None)  # type: ignore[arg-type, return-value]
    assert not door.judge(asker(), READ).allowed


def test_the_host_may_have_seen_to_it() -> None:
    assert authorizer("host", "", None).judge(asker("10.1.2.3"), CHANGE).allowed


@pytest.mark.parametrize("auth", ["open", ("ada",), ("ada", 7), 7, ["ada", "x"]])
def test_what_cannot_decide_is_refused(auth: Any) -> None:
    with pytest.raises(ConfigError, match=r"auth is .*expected"):
        authorizer(auth, "", None)


@pytest.mark.parametrize(("user", "password", "missing"), [("", "x", "user"), ("ada", "", "password")])
def test_an_empty_name_or_password_is_none(user: str, password: str, missing: str) -> None:
    with pytest.raises(ConfigError, match=f"the web pages' {missing} is empty"):
        Password(user, password)


@pytest.mark.parametrize(
    ("origin", "host"),
    [("null", ""), ("", ""), ("http://[", "jobs.example"), ("https://jobs.example/x", "jobs.example"),
     ("https://ada@jobs.example", "jobs.example"), ("https://jobs.example:81", "jobs.example")],
)  # fmt: skip
def test_what_is_no_origin_is_not_ours(origin: str, host: str) -> None:
    assert not same_origin(asker(origin=origin, host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "LOCALHOST"])
def test_addresses_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "localhost.evil.example", "127.0.0.1.evil.example"])
def test_addresses_of_others(host: str) -> None:
    assert not is_loopback(host)


def test_an_async_function_cannot_decide() -> None:
    async def decides(who: Any, permission: str) -> bool:
        return True

    with pytest.raises(ConfigError, match=r"an async def: expected a def"):
        authorizer(decides, "", None)  # type: ignore[arg-type]
