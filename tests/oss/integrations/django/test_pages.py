"""The pages in a Django project: for its staff, under its prefix, through one gate."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

for extra in ("django", "starlette", "jinja2"):
    pytest.importorskip(extra)

ADA = SimpleNamespace(is_active=True, is_staff=True)
BOB = SimpleNamespace(is_active=True, is_staff=False)
SAME = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def ask(site: Any) -> Any:
    """Ask for a page, as somebody."""
    from django.test import RequestFactory

    from offsider.integrations.django.pages import urls

    (pattern,) = urls()
    factory = RequestFactory()

    def asked(path: str, user: Any = ADA, fields: Any = None, **headers: str) -> Any:
        given = {"accept": "text/html", **headers}
        if fields is None:
            request = factory.get(f"/jobs/{path}", headers=given)
        else:
            kind = "application/x-www-form-urlencoded"
            request = factory.post(f"/jobs/{path}", urlencode(fields), content_type=kind, headers=given)
        if user is not None:
            request.user = user
        return pattern.callback(request, path=path.partition("?")[0])

    return asked


def test_staff_sees_pages_whose_addresses_stay_under_the_prefix(ask: Any) -> None:
    answer = ask("")
    assert answer.status_code == 200
    assert b'href="/jobs/retries"' in answer.content
    assert b'<a class="quiet" href="/">' in answer.content
    assert "default-src 'none'" in answer["content-security-policy"]
    assert ask("queues/mail?count=25").status_code == 200
    assert ask("nothing").status_code == 404


@pytest.mark.parametrize("user", [BOB, None, SimpleNamespace(is_active=False, is_staff=True)])
def test_nobody_else_sees_anything(ask: Any, user: Any) -> None:
    for path in ("", "queues", "assets/offsider/offsider.css"):
        assert ask(path, user).status_code == 403
    assert ask("busy", user, {"act": "stop"}, **SAME).status_code == 403
    assert ask("healthz", user).status_code == 200


def test_who_may_is_asked_where_the_database_may_be_read(site: Any) -> None:
    from django.db import connection
    from django.test import RequestFactory

    from offsider.integrations.django.pages import urls

    def may(request: Any, permission: str) -> bool:
        with connection.cursor() as cursor:
            return bool(cursor.execute("SELECT 1").fetchone()) and permission == "read"

    (pattern,) = urls(may)
    request = RequestFactory().get("/jobs/retries", headers={"accept": "text/html"})
    assert pattern.callback(request, path="retries").status_code == 200
    request = RequestFactory().post("/jobs/busy", headers=SAME)
    assert pattern.callback(request, path="busy").status_code == 403
    connection.close()


def test_a_change_comes_from_a_page_of_the_site(ask: Any) -> None:
    assert ask("busy", ADA, {"act": "quiet"}).status_code == 403
    answer = ask("busy", ADA, {"act": "quiet"}, **SAME)
    assert answer.status_code == 303
    assert answer["location"].startswith("/jobs/busy?said=")
