"""Files: only those that are there, kept for as long as they do not change, with their licences."""

from __future__ import annotations

import mimetypes
import re
from typing import Any

import pytest

from offsider import App
from support.site import Visitor, fill


def test_a_page_names_files_by_what_is_in_them_and_they_are_kept(app: App) -> None:
    site = app.web()
    visitor = Visitor(site)
    for file in ("offsider.css", "offsider.js", "theme.js", "charts.js", "vendor/htmx.min.js", "vendor/uPlot.min.js"):
        answer = visitor.get(site.static.path(file))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert visitor.get(site.static.path("offsider.css")).headers["content-type"].startswith("text/css")
    assert "immutable" not in visitor.get("/assets/offsider/offsider.css?v=old").headers["cache-control"]


def test_what_a_machine_calls_a_script_does_not_matter(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mimetypes, "guess_type", lambda *given, **more: ("text/plain", None))
    kind = Visitor(app.web()).get("/assets/offsider/offsider.js").headers["content-type"]
    assert "javascript" in kind


def test_a_first_look_loads_little(app: App, raw: Any) -> None:
    """All that the dashboard loads, and itself: 150 kB, though nothing is compressed."""
    fill(app, raw)
    visitor = Visitor(app.web())
    text = visitor.text("/")
    files = re.findall(r'(?:src|href)="(/assets/[^"]+)"', text)
    assert len(files) == 7
    assert len(text) + sum(len(visitor.get(file).content) for file in files) <= 150_000


@pytest.mark.parametrize("file", ["htmx", "uPlot"])
def test_what_others_wrote_has_its_licence(app: App, file: str) -> None:
    answer = Visitor(app.web()).get(f"/assets/offsider/vendor/{file}.LICENSE.txt")
    assert answer.status_code == 200
    assert "WARRANT" in answer.text.upper()


@pytest.mark.parametrize(
    "path", ["/assets/offsider/../site.py", "/assets/offsider/%2e%2e/site.py", "/assets/other/x", "/assets/offsider/"]
)
def test_nothing_else_is_served(app: App, path: str) -> None:
    assert Visitor(app.web()).get(path).status_code == 404
