"""``offsider web`` serves the pages on loopback, and off it only with a password."""

from __future__ import annotations

import re
from typing import Any

import pytest

from offsider.cli.web import serve
from offsider.errors import ConfigError
from support.processes import Desk, Process

for extra in ("starlette", "jinja2", "uvicorn", "httpx"):
    pytest.importorskip(extra)
import httpx

from support.site import HTML


def address(process: Process) -> str:
    """Where it listens."""
    process.logs("pages: http://")
    found = re.search(r"pages: (http://\S+)/ ", process.log)
    assert found is not None
    return found[1].replace("0.0.0.0", "127.0.0.1")


def test_it_serves_an_apps_pages_until_it_is_told_to_stop(desk: Desk) -> None:
    desk.write("@app.job\ndef hello() -> None:\n    say('hello')\n")
    process = desk.offsider("web", "jobs:app", "--port", "0", "--title", "night shift")
    answer = httpx.get(f"{address(process)}/", headers=HTML)
    assert answer.status_code == 200
    assert "night shift" in answer.text
    assert "server" not in answer.headers
    process.tell("TERM")
    assert process.end() in (0, -15)


def test_it_needs_no_app_and_knows_its_prefix(desk: Desk) -> None:
    process = desk.offsider("web", "--port", "0", "--prefix", "/jobs/", OFFSIDER_EDITIONS="oss")
    answer = httpx.get(f"{address(process)}/", headers=HTML)
    assert 'href="/jobs/retries"' in answer.text


def test_with_a_password_it_may_be_reached_from_elsewhere(desk: Desk) -> None:
    given = {"OFFSIDER_WEB_PASSWORD": "hush", "OFFSIDER_EDITIONS": "oss"}
    process = desk.offsider("web", "--host", "0.0.0.0", "--port", "0", "--user", "ada", **given)
    where = address(process)
    assert httpx.get(where, headers=HTML).status_code == 401
    assert httpx.get(where, headers=HTML, auth=("ada", "hush")).status_code == 200
    assert httpx.get(f"{where}/healthz").status_code == 200


@pytest.mark.parametrize("prefix", ["jobs", "//evil.example", "https://evil.example/jobs"])
def test_a_prefix_is_a_path(make_app: Any, prefix: str) -> None:
    with pytest.raises(ConfigError, match=r"--prefix is .*expected a path that begins with one slash, e\.g\. /jobs"):
        serve(make_app(), prefix)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "jobs.example"])
def test_without_a_password_it_does_not_start_off_loopback(make_app: Any, host: str) -> None:
    with pytest.raises(ConfigError, match=r"other machines reach, and there is no password.*OFFSIDER_WEB_PASSWORD"):
        serve(make_app(web={"host": host}))
