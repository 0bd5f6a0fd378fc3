"""Every Python example of the documentation runs, and so do the jobs that it enqueues.

The blocks of a page share one namespace and run in order, as a reader would type them; ``pycon`` blocks show values,
which must come out. Afterwards a worker runs what was enqueued. A job may fail only with an error that the page names.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from offsider import App
from offsider.store.keys import Keys
from offsider.worker.worker import Worker
from support.pages import Block, Page, pages
from support.waiting import until

LOCAL = "redis://localhost:6379/0"  # what pages call the server
ALONE = {"docs/guides/django.md"}  # a project of files, which a test of its own runs
PAGES = [page for page in pages() if page.blocks("python", "pycon") and page.name not in ALONE]


class Reader:
    """Runs the blocks of one page, one after the other."""

    def __init__(self, page: Page, url: str) -> None:
        self._page = page
        self._url = url
        self._namespace: dict[str, Any] = {"__name__": "example"}
        self._loop = asyncio.Runner()
        self.apps: list[App] = []

    def run(self, block: Block) -> None:
        """Run one block."""
        if block.language == "pycon":
            self._show(block)
        else:
            self._execute(block)
        found = [one for one in self._namespace.values() if isinstance(one, App)]
        self.apps += [one for one in found if one not in self.apps]

    def close(self) -> None:
        """Close what the page has opened, and stop what it has started."""
        for worker in [one for one in self._namespace.values() if isinstance(one, Worker)]:
            worker.stop(1.0)
        for app in self.apps:
            self._loop.run(app.aclose())
        self._loop.close()

    def _execute(self, block: Block) -> None:
        source = "\n" * (block.line - 1) + block.text.replace(LOCAL, self._url)
        code = compile(source, self._page.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        if code.co_flags & inspect.CO_COROUTINE:
            self._loop.run(eval(code, self._namespace))
        else:
            exec(code, self._namespace)

    def _show(self, block: Block) -> None:
        source = block.text.replace(LOCAL, self._url)
        test = doctest.DocTestParser().get_doctest(
            source, self._namespace, self._page.name, self._page.name, block.line - 1
        )
        said: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
        result = runner.run(test, out=said.append, clear_globs=False)
        self._namespace.update(test.globs)
        assert result.attempted, f"{self._page.name}:{block.line} shows nothing"
        assert not result.failed, "".join(said)


@pytest.fixture
def read(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Page], Reader]]:
    """Reads pages in an empty folder, with the test's server as the one that the environment names."""
    monkeypatch.setenv("OFFSIDER_REDIS_URL", redis_url)
    monkeypatch.setenv("OFFSIDER_EDITIONS", "oss")
    monkeypatch.chdir(tmp_path)
    readers: list[Reader] = []

    def read_page(page: Page) -> Reader:
        readers.append(Reader(page, redis_url))
        for block in page.blocks("python", "pycon"):
            readers[-1].run(block)
        return readers[-1]

    yield read_page
    for reader in readers:
        reader.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_of_a_page_runs_and_so_do_its_jobs(page: Page, read: Callable[[Page], Reader], raw: Any) -> None:
    reader = read(page)
    for app in reader.apps:
        run_what_waits(app, raw)
        assert not [entry for entry in raw.zrange(app.keys.schedule, 0, -1) if b'"put_back"' in entry]
        assert raw.zrange(app.keys.quarantine, 0, -1) == []
        assert not {name for name in failures(app.keys, raw) if name not in page.text}


def run_what_waits(app: App, raw: Any) -> None:
    """Run the jobs of all queues of an app to their ends."""
    queues = [queue.decode() for queue in raw.smembers(app.keys.queues)]
    if queues:
        worker = Worker(app, queues=sorted(queues))
        worker.start()
        try:
            until(lambda: not what_is_left(app.keys, queues, raw), 30, "every enqueued job has ended")
        finally:
            worker.stop(1.0)


def failures(keys: Keys, raw: Any) -> set[str]:
    """The errors, by their class, of jobs that have failed."""
    entries = [*raw.zrange(keys.retry, 0, -1), *raw.zrange(keys.dead, 0, -1)]
    return {json.loads(entry)["error_class"].rpartition(".")[2] for entry in entries}


def what_is_left(keys: Keys, queues: list[str], raw: Any) -> bool:
    """True while a job waits or runs."""
    flying = any(raw.exists(keys.inflight(owner.decode())) for owner in raw.zrange(keys.owners, 0, -1))
    return flying or any(raw.exists(keys.queue(queue)) for queue in queues)


def test_there_are_examples() -> None:
    assert len(PAGES) >= 10
    assert sum(len(page.blocks("python", "pycon")) for page in PAGES) >= 40


def test_no_python_hides_behind_another_name() -> None:
    other = [
        f"{page.name}: {block.text[:40]}" for page in pages() for block in page.blocks("py", "Python", "python3", "")
    ]
    assert not other, "blocks say their language: python and pycon are run, text is not"
