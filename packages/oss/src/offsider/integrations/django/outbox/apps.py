"""The Django application: its relay runs in every worker."""

from __future__ import annotations

from django.apps import AppConfig


class OutboxConfig(AppConfig):  # type: ignore[misc]
    """``INSTALLED_APPS = ["offsider.integrations.django", "offsider.integrations.django.outbox", …]``."""

    name = "offsider.integrations.django.outbox"
    label = "offsider_outbox"
    verbose_name = "Offsider outbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let workers bring what is written into Redis."""
        from ...relays import relay_in_workers
        from ..project import project_app
        from ..transactions import database
        from .table import DjangoTable

        relay_in_workers(project_app(), lambda: DjangoTable(database()), by="Django")
