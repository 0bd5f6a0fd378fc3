"""Rows know the shard that they are for."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):  # type: ignore[misc]
    """The column, and the index by which the oldest row of a place is found at once."""

    dependencies: ClassVar = [("offsider_outbox", "0001_initial")]
    operations: ClassVar = [
        migrations.AddField("outboxjob", "shard", models.CharField(max_length=128, null=True)),
        migrations.AddIndex("outboxjob", models.Index(fields=["shard", "id"], name="offsider_outbox_place")),
    ]
