"""Pictures of every page, in light, in dark and on a phone: `hatch run screenshots FOLDER`. No test: for eyes."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from redis import Redis

sys.path.insert(0, str(Path(__file__).parents[1]))
from browser.conftest import CHROMIUM, FLAGS
from offsider import App, Context, Retry
from offsider.worker.worker import Worker
from support.waiting import until

PAGES = (
    *("/", "/busy", "/queues", "/queues/reports", "/scheduled", "/retries", "/retries?error=ValueError"),
    *("/retries/all?act=delete&text=ada", "/dead", "/errors", "/metrics", "/metrics/shop.charge", "/doctor"),
    *("/find?q=ada", "/nothing", "/quarantine", "/?server=archive"),
)
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    "arabic": {"viewport": {"width": 1280, "height": 900}, "locale": "ar"},
}
pause = threading.Event()


def shop(folder: str) -> App:
    """An application with jobs that end well, badly, slowly, and not yet."""
    app = App(
        editions=[],
        redis={"data_dir": folder},
        worker={"concurrency": 6, "beat_s": 1, "queues": ["default", "mail", "reports"], "tag": "shop"},
        web={"title": "staging", "poll_s": 1},
        shards={"archive": {"namespace": "shop-archive"}, "eu-central": {"namespace": "shop-eu"}},
    )

    @app.job(name="shop.welcome", queue="mail", retry=Retry(max=8), backtrace=True, tags=["vip"])
    def welcome(user: str, *, locale: str = "en") -> None:
        if "7" in user:
            raise ValueError(f"user {user!r} has no address")

    @app.job(name="shop.charge", backtrace=True)
    def charge(order: int, lines: list[dict[str, Any]]) -> None:
        pause.wait(order % 40 / 1000)
        if order % 11 == 0:
            raise ConnectionError("the payment gateway did not answer within 30 s")

    @app.job(name="shop.refund", retry=Retry(max=0))
    def refund(order: int) -> None:
        raise LookupError(f"order {order} was never paid")

    @app.job(name="shop.report", queue="reports")
    def report(month: str, ctx: Context) -> None:
        for row in range(4000):
            ctx.progress(row, 4000, f"row {row} of orders")
            ctx.check()
            pause.wait(0.05)

    for k in range(400):
        welcome.enqueue(f"ada{k}", locale="de")
        charge.enqueue(k, [{"sku": "tea", "count": 2}, {"sku": "biscuits", "count": k % 5}])
    for k in range(25):
        refund.enqueue(k)
        report.enqueue(f"2026-{k % 12 + 1:02}")
        welcome.using(delay=90 * (k + 1) ** 2).enqueue(f"ada{k}")
    app.metrics.mark("v42 faster charges")
    garbage = Redis.from_url(app.url)
    garbage.lpush(app.keys.queue("mail"), b'{"class":"shop.welcome","args":["ada"', b"\xff\x00 not JSON", b"[]")
    garbage.close()
    return app


@contextmanager
def served(app: App) -> Any:
    """The pages, on a free port."""
    server = uvicorn.Server(uvicorn.Config(app.web(), host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, what="uvicorn listens")
    yield f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    thread.join(10)


def take(address: str, folder: Path, singles: dict[str, str]) -> None:
    """All pictures; of single things by the name of their picture."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for look, options in LOOKS.items():
            context = browser.new_context(**options)
            page = context.new_page()
            for path in (*PAGES, *singles):
                page.goto(address + path)
                page.wait_for_timeout(5000 if path == "/" else 400)
                name = path.partition("?")[0].strip("/").replace("/", "-") or "dashboard"
                name = singles.get(path, "servers" if "server=" in path else name)
                if name == "servers":
                    page.locator(".servers summary").click()
                page.screenshot(path=folder / f"{name}{'-found' if '?e' in path else ''}-{look}.png")
            context.close()
        browser.close()


def main() -> None:
    """Fill a server of our own, let it work, and take the pictures."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="offsider-") as data:
        app = shop(data)
        worker = Worker(app)
        worker.start()
        until(lambda: app.stats.now().failed > 60 and len(app.retries) > 20, 60, "there is something to be seen")
        until(lambda: len(app.quarantine) == 3, 60, "the garbage is in quarantine")
        with served(app) as address:
            singles = {
                f"/jobs/{app.retries.jobs(count=1, newest=True)[0].jid}": "jobs-one",
                f"/jobs/{app.scheduled.jobs(count=1, newest=True)[0].jid}": "scheduled-one",
                f"/quarantine/{app.quarantine.entries()[0].id}": "quarantine-one",
            }
            take(address, folder, singles)
        worker.stop(1.0)
        app.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main()
