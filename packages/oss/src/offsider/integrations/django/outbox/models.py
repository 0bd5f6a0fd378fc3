"""The table."""

from __future__ import annotations

from django.db import models


class OutboxJob(models.Model):  # type: ignore[misc]
    """A job that was enqueued by a transaction, and is not known to be in Redis yet."""

    id = models.BigAutoField(primary_key=True)
    payload = models.TextField()
    at_s = models.FloatField(null=True)
    batch = models.CharField(max_length=18, null=True, db_index=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Its name in the database."""

        db_table = "offsider_outbox"

    def __str__(self) -> str:
        return f"outbox job {self.id}"
