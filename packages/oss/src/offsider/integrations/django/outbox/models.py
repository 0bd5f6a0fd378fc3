"""The table."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class OutboxJob(models.Model):  # type: ignore[misc]
    """A job that was enqueued by a transaction, and is not known to be in Redis yet."""

    id = models.BigAutoField(primary_key=True)
    payload = models.TextField()
    at_s = models.FloatField(null=True)
    batch = models.CharField(max_length=18, null=True, db_index=True)
    shard = models.CharField(max_length=128, null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Its name in the database, and an index by which the oldest row of a place is found at once."""

        db_table = "offsider_outbox"
        indexes: ClassVar = [models.Index(fields=["shard", "id"], name="offsider_outbox_place")]

    def __str__(self) -> str:
        return f"outbox job {self.id}"
