"""The threads against the licence's number: a check of the doctor, and what every page says of it. Refuses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from offsider.contract.findings import OK, WARNING, Finding
from offsider.contract.web import Notice
from offsider_pro.threads import count_threads

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.inspect import ServerFacts
    from offsider.web.checkup import Checkup

NAME = "licensed threads"


def thread_check(licensed: int) -> Callable[[App, ServerFacts], Iterable[Finding]]:
    """A check of the doctor.

    Args:
        licensed: The licence's number.
    """

    def check(app: App, _facts: ServerFacts) -> Iterable[Finding]:
        threads = count_threads(app.connections, app.keys)
        if threads <= licensed:
            yield Finding(NAME, OK, f"{threads:,} worker threads run, and the licence is for {licensed:,}")
            return
        yield Finding(
            NAME,
            WARNING,
            f"{threads:,} worker threads run, and the licence is for {licensed:,}",
            f"at most {licensed:,}",
            "Nothing is stopped or slowed; lower the concurrency or extend the licence",
        )

    return check


def thread_banner(checkup: Checkup) -> Callable[[], Iterator[Notice]]:
    """What every page says of too many threads, whatever worse the doctor has found beside it.

    Args:
        checkup: Has what the doctor found last.
    """

    def banner() -> Iterator[Notice]:
        for one in checkup.serious():
            if one.name == NAME and one.level == WARNING:
                yield Notice(f"{one.value}. {one.advice}", WARNING, "/doctor")

    return banner
