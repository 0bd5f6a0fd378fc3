"""Which form a client is given, by the headers that real clients send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offsider_issuer.index.accept import HTML, JSON, TEXT, chosen

PIP = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
UV = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("header", "form"),
    [
        (PIP, JSON), (UV, JSON), (BROWSER, TEXT), ("", TEXT), ("*/*", TEXT), ("text/html", TEXT), (HTML, HTML),
        ("application/vnd.pypi.simple.latest+json", JSON), (f"{JSON};q=0, text/html", TEXT),
        (f"{JSON};q=x", None), ("image/png", None), (f"{JSON};q=0", None), (JSON.upper(), JSON),
    ],
)  # fmt: skip
def test_a_client_is_given_what_it_likes_best(header: str, form: str | None) -> None:
    assert chosen(header) == form


@given(st.text(alphabet="*/,;=q01. ajpson+html"))
def test_any_header_has_an_answer(header: str) -> None:
    assert chosen(header) in (HTML, JSON, TEXT, None)
