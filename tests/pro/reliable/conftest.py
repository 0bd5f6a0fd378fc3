"""Fixtures for reliable fetch: a desk whose app has Pro."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.processes import HEAD, Desk

FREE = "app = App(editions=[])"
PRO = """from offsider_pro import ProEdition

app = App(editions=[ProEdition(license="evaluation")])"""
JOBS = '''
import ctypes


@app.job(name="note")
def note(word: str) -> None:
    say(f"note {word} {os.getpid()}")


@app.job(name="hold")
def hold(word: str) -> None:
    say(f"begin {word} {os.getpid()}")
    wait_for(word)
    say(f"done {word} {os.getpid()}")


@app.job(name="ahold")
async def ahold(word: str) -> None:
    say(f"begin {word} {os.getpid()}")
    await await_for(word)
    say(f"done {word} {os.getpid()}")


@app.job(name="poison")
def poison(how: str, after: str = "") -> None:
    say(f"poison {how} {os.getpid()}")
    if after:
        wait_for(after)
    if how == "kill":
        os.kill(os.getpid(), 9)
    elif how == "segfault":
        ctypes.string_at(0)
    elif how == "term":
        os.kill(os.getpid(), 15)
    os._exit(3)


@app.job(name="hog")
def hog(seconds: int) -> None:
    """Keep the interpreter to oneself: what is called has the lock of it."""
    say(f"hog begins {os.getpid()}")
    ctypes.PyDLL(None).usleep(seconds * 1_000_000)
    say(f"hog ends {os.getpid()}")
'''


class ProDesk(Desk):
    """A desk whose jobs' app has Pro."""

    def write(self, jobs: str = JOBS, name: str = "jobs", *, more: str = "") -> None:
        """The module of jobs."""
        head = HEAD.lstrip().replace(FREE, PRO).replace("import App", "import App, Context")
        assert PRO in head
        (self.folder / f"{name}.py").write_text(f"{head}\n\n{jobs}\n\n{more}", "utf-8")


@pytest.fixture
def pro_desk(tmp_path: Path, redis_url: str) -> Iterator[ProDesk]:
    """A folder where real workers with Pro run, on the empty server, with leases of a minute."""
    folder = tmp_path / "desk"
    folder.mkdir()
    one = ProDesk(folder, redis_url)
    one.environment |= {"OFFSIDER_WORKER_LEASE_S": "60", "OFFSIDER_PRO_GUARD_S": "2"}
    one.write()
    yield one
    one.close()


@pytest.fixture
def push(pro_desk: ProDesk, raw: object) -> Callable[..., bytes]:
    """Put a job into the queue."""
    from support.bench import payload

    def pushed(name: str, *args: object, **fields: object) -> bytes:
        made = payload(name, *args, **fields)
        raw.lpush("{offsider}:queue:default", made)  # type: ignore[attr-defined]
        raw.lpush("{offsider}:bell:default", "1")  # type: ignore[attr-defined]
        return made

    return pushed
