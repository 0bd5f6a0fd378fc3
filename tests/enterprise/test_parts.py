"""A process that only enqueues pays for nothing that a worker, a page or a command needs."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable

from offsider import App

PROGRAM = """
import sys
from offsider import App
from offsider_enterprise import EnterpriseEdition
from offsider_pro import ProEdition
editions = [ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")]
app = App("redis://127.0.0.1:1/0", editions=editions)
heavy = ("croniter", "dateutil", "starlette", "jinja2", "click", "offsider.cli.main")
heavy += ("offsider_enterprise.cron.service", "offsider_enterprise.leader.service")
print([name for name in heavy if name in sys.modules])
"""


def test_an_app_that_only_enqueues_imports_no_part_of_the_worker_and_no_croniter() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]", run.stdout


def test_the_parts_live_as_long_as_their_app(make_enterprise: Callable[..., App]) -> None:
    from offsider_enterprise.parts import parts_of

    app = make_enterprise()
    parts = weakref.ref(parts_of(app))
    gc.collect()
    assert parts() is parts_of(app)
