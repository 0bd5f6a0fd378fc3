"""What the web server spends on each page of a crowded system: ``hatch run web-bench``.

The pages are asked in this process, without a network; the database is a real one, on this machine. Prints the median
and the worst of several looks and the size of the page, then what a first look loads besides. Fails over the targets.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).parent))

from crowd import Crowd, Size

from offsider import App
from support.server import Server
from support.site import HTML

MOST_MS = 100.0
MOST_ASSETS = 150_000
LOOKS = 9


def addresses(crowd: Crowd) -> Iterator[str]:
    """Every page, as people come to it."""
    yield from ("/", "/?days=180", "/stats", "/busy", "/queues", "/queues/default", "/queues/default?page=200")
    yield from ("/queues?page=20", "/scheduled", "/retries", "/retries?count=250", "/dead", "/dead?page=500")
    yield from ("/errors", "/metrics", "/metrics?period=8h", "/metrics?period=72h", f"/metrics/{crowd.names[0]}")
    yield from (f"/metrics/{crowd.names[0]}?period=8h", f"/metrics/{crowd.names[0]}?period=72h", "/profiles")
    yield from ("/dead/all?act=delete",)
    for list_, kind in {"/queues/default?page=200": "q", "/dead?page=500": "d", "/retries": "r", "/scheduled": "s",
                        "/busy": "f"}.items():  # fmt: skip
        yield f"{list_} -> /jobs/{ord(kind):02x}"


def searches(crowd: Crowd) -> Iterator[str]:
    """What looks for something that may be anywhere: what there is no time for, the page says."""
    yield from ("/queues/default?text=user-77%40", "/dead?text=user-99990%40", "/dead?error=KeyError")
    yield from ("/dead?text=nothing-like-it", "/find?q=user-77%40", f"/jobs/{'ab' * 12}", f"/jobs/{crowd.jid('q', 7)}")
    yield "/dead/all?act=delete&text=user-99990%40"


async def ask(site: Any, address: str) -> tuple[int, bytes, float, float]:
    """Status, body, seconds and CPU seconds of one page."""
    path, _, query = address.partition("?")
    headers = [(name.encode(), value.encode()) for name, value in {"host": "localhost", **HTML}.items()]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "headers": headers, "root_path": "",
        "client": ("127.0.0.1", 50_000), "server": ("localhost", 80),
    }  # fmt: skip
    status, body = 0, b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, body
        status = message.get("status", status)
        body += message.get("body", b"")

    before, cpu_before = time.perf_counter(), time.process_time()
    await site(scope, receive, send)
    return status, body, time.perf_counter() - before, time.process_time() - cpu_before


async def measure(site: Any, address: str, most_ms: float) -> bool:
    """Look at a page several times; True when it is within its target. ``LIST -> START`` is a link on a list."""
    looks = []
    list_, _, start = address.partition(" -> ")
    for _ in range(LOOKS):
        if start:
            _status, body, *_rest = await ask(site, list_)
            link = re.search(rf'href="({start}[^"]*)"', body.decode())
            address = unescape(link[1]) if link else list_
        looks.append(await ask(site, address))
    status, body, *_rest = looks[-1]
    times = [1000 * seconds for *_answer, seconds, _cpu in looks]
    median, cpu = statistics.median(times), statistics.median(1000 * cpu for *_answer, cpu in looks)
    fine = median <= most_ms and status == 200
    told = f"{median:8.1f} ms, worst {max(times):7.1f}, CPU {cpu:6.1f}  {len(body) / 1000:6.0f} kB"
    print(f"{address[:66]:66} {status} {told}  {'' if fine else f'NOT met: {most_ms:g} ms'}", flush=True)
    return fine


async def everything(site: Any, crowd: Crowd, only: str) -> bool:
    """Pages, then searches; True when all are within their targets."""
    met = [await measure(site, one, MOST_MS) for one in addresses(crowd) if only in one]
    met += [await measure(site, one, MOST_MS) for one in searches(crowd) if only in one]
    return all(met)


def first_look() -> int:
    """Bytes of everything that the dashboard loads besides itself."""
    static = Path(__file__).parents[2] / "packages/oss/src/offsider/web/static"
    names = (
        "offsider.css",
        "theme.js",
        "offsider.js",
        "charts.js",
        "vendor/htmx.min.js",
        "vendor/uPlot.min.js",
        "icon.svg",
    )
    return sum((static / name).stat().st_size for name in names)


def main() -> int:
    """Fill, look, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of the crowd: 0.1 is a tenth of everything")
    parser.add_argument("--waiting", type=int, help="jobs in queues, when not a million")
    parser.add_argument("--only", default="", help="addresses with this in them")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), "--appendonly", "no").start()
        app = App(server.url, editions=[])
        try:
            size = Size().scaled(given.share) if given.share != 1 else Size()
            size = replace(size, waiting=given.waiting) if given.waiting else size
            print(f"filling: {size}", flush=True)
            crowd = Crowd(server.client(), app.keys, size)
            crowd.fill()
            well = asyncio.run(everything(app.web(), crowd, given.only))
            print(f"a first look loads {first_look() / 1000:.0f} kB besides the page, of {MOST_ASSETS / 1000:.0f}")
        finally:
            app.close()
            server.stop()
    return 0 if well and first_look() <= MOST_ASSETS else 1


if __name__ == "__main__":
    raise SystemExit(main())
