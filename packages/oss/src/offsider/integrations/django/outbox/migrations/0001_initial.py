"""Makes the table."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):  # type: ignore[misc]
    """The first."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[object]] = [
        migrations.CreateModel(
            name="OutboxJob",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("payload", models.TextField()),
                ("at_s", models.FloatField(null=True)),
                ("batch", models.CharField(db_index=True, max_length=18, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
            ],
            options={"db_table": "offsider_outbox"},
        ),
    ]
