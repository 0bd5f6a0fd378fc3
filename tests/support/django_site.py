"""A Django project in this process: made once, with a database in a file."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

APPS = ["site_jobs", "offsider.integrations.django", "offsider.integrations.django.outbox"]
JOBS = """
from offsider.integrations.django import app

ran = []

@app.job(name="site.note", queue="site")
def note(text: str) -> None:
    ran.append(text)
"""


def make_site(folder: Path, url: str, **settings: Any) -> None:
    """Configure Django and migrate; the project's app is on the server at ``url``."""
    import django
    from django.conf import settings as django_settings
    from django.core.management import call_command

    package = folder / "site_jobs"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    (package / "jobs.py").write_text(JOBS, "utf-8")
    sys.path.insert(0, str(folder))
    django_settings.configure(
        INSTALLED_APPS=APPS,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}},
        OFFSIDER={"url": url, "editions": [], "namespace": "site", **settings},
        TASKS={
            "default": {
                "BACKEND": "offsider.integrations.django.tasks.OffsiderBackend",
                "OPTIONS": {"retry": 3},
                "QUEUES": ["default", "site"],
            }
        },
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)


def site_jobs() -> ModuleType:
    """The module of jobs that was discovered."""
    return sys.modules["site_jobs.jobs"]
