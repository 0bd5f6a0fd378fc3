"""The index as a process: it says where it is, answers, and stops when it is told to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from offsider_issuer.cli.serve import is_loopback, url_host
from support.vendor import Site, Vendor, basic

COMMAND = [sys.executable, "-m", "offsider_issuer"]


@pytest.fixture
def process(stocked: Vendor) -> Iterator[subprocess.Popen[str]]:
    """The index, which believes what a proxy on this machine says."""
    words = ["serve-index", "--port", "0", "--proxy", "127.0.0.1"]
    environment = {**os.environ, "ISSUER_FOLDER": str(stocked.folder.path)}
    with subprocess.Popen(
        [*COMMAND, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        yield one
        one.kill()


def site_of(process: subprocess.Popen[str]) -> Site:
    assert process.stdout is not None
    match = re.fullmatch(r"index at http://127\.0\.0\.1:(\d+)/simple/\n", process.stdout.readline())
    assert match is not None
    return Site(int(match[1]))


def test_it_answers_and_stops_and_its_log_has_no_key(stocked: Vendor, process: subprocess.Popen[str]) -> None:
    site, sold = site_of(process), stocked.sell("pro")
    assert site.get("/simple/offsider-pro/", sold).status == 200
    assert site.get("/simple/", auth=basic(sold.license.key_id, "osk_wrong")).status == 401
    process.send_signal(signal.SIGTERM)
    _out, log = process.communicate(timeout=20)
    assert process.returncode in (0, -signal.SIGTERM)
    assert f"wrong credentials: key_id '{sold.license.key_id}' from 127.0.0.1" in log
    assert "osk_" not in log


def test_the_address_is_the_one_that_a_trusted_proxy_gives(stocked: Vendor, process: subprocess.Popen[str]) -> None:
    import http.client

    site, sold = site_of(process), stocked.sell("pro")
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    headers = {"Authorization": basic(sold.license.key_id, sold.index_key), "X-Forwarded-For": "192.0.2.7"}
    connection.request("GET", "/files/offsider_pro-1.0-py3-none-any.whl", headers=headers)
    assert connection.getresponse().status == 200
    connection.close()
    assert '"address": "192.0.2.7"' in stocked.folder.downloads.read_text()


def test_without_a_ledger_it_does_not_start(tmp_path: Path) -> None:
    command = [*COMMAND, "--folder", str(tmp_path), "serve-index", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("FolderError: there is no ledger")


def test_names_of_this_machine() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost")] == [True] * 3
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.0.2.1", "example.com", ""))
    assert (url_host("::1"), url_host("127.0.0.1")) == ("[::1]", "127.0.0.1")
