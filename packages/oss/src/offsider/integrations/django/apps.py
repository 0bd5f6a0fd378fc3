"""The Django application: finds the ``jobs.py`` of the others."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OffsiderConfig(AppConfig):  # type: ignore[misc]
    """``INSTALLED_APPS = ["offsider.integrations.django", …]``."""

    name = "offsider.integrations.django"
    label = "offsider"
    verbose_name = "Offsider"

    def ready(self) -> None:
        """Import ``jobs.py`` of each installed application, and know the jobs that Django's own tasks are."""
        from .project import project_app
        from .taskjobs import register

        register(project_app())
        autodiscover_modules("jobs")
