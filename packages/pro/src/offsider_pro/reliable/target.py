"""Where another process finds this app: a module and a name in it, and the modules of its jobs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offsider import App

SCRIPTS = ("__main__", "__mp_main__")


@dataclass(frozen=True, slots=True)
class Target:
    """An app as it can be imported.

    Attributes:
        module, name: Where it is.
        modules: What is to be imported besides, so that all its jobs are registered.
    """

    module: str
    name: str
    modules: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"


def target_of(app: App) -> Target | None:
    """The app in the modules of this process; None when it is in none: it was made in a function, or in a script."""
    found = next(_places(app), None)
    if found is None:
        return None
    modules = dict.fromkeys(str(getattr(job.fn, "__module__", "")) for job in app.jobs.values())
    others = [one for one in modules if one in sys.modules and one not in (found[0], *SCRIPTS)]
    return Target(found[0], found[1], tuple(others))


def _places(app: App) -> Iterator[tuple[str, str]]:
    for name, module in list(sys.modules.items()):
        if name in SCRIPTS:
            continue
        for attribute, value in list(getattr(module, "__dict__", {}).items()):
            if value is app:
                yield name, attribute
