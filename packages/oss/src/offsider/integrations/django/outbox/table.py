"""The outbox's rows, by Django's ORM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import close_old_connections, connections, transaction
from django.db.models import Count

from ...outbox import Row, row

if TYPE_CHECKING:
    from ....app import App
    from ....job.push import PushRequest


def write(app: App, alias: str, requests: Sequence[PushRequest]) -> None:
    """Write jobs within the transaction that is open."""
    from .models import OutboxJob

    given = [row(app, request) for request in requests]
    rows = [OutboxJob(payload=payload, at_s=at_s, shard=shard) for payload, at_s, shard in given]
    OutboxJob.objects.using(alias).bulk_create(rows, batch_size=100)


class DjangoTable:
    """An `OutboxTable`."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def take(self, shard: str | None, batch: str, most: int) -> tuple[str, list[Row]]:
        """The oldest batch of a place, or a new one."""
        close_old_connections()
        with transaction.atomic(using=self._alias):
            first = self._of(shard).order_by("id").values_list("batch", flat=True)[:1]
            found = list(first)
            if not found:
                return "", []
            name = found[0] or self._named(shard, batch, most)
            rows = self._rows().filter(batch=name).order_by("id").values_list("payload", "at_s", "shard")
            return name, list(rows)

    def forget(self, batch: str) -> None:
        """Delete the rows of a batch."""
        self._rows().filter(batch=batch).delete()

    def counts(self) -> Mapping[str | None, int]:
        """How many rows there are for each place."""
        close_old_connections()
        return dict(self._rows().values_list("shard").annotate(Count("id")).order_by("shard"))

    def close(self) -> None:
        """Close the connection of this thread, unless it is shared with a test's transaction."""
        connection = connections[self._alias]
        if not connection.in_atomic_block:
            connection.close()

    def _named(self, shard: str | None, batch: str, most: int) -> str:
        free = self._of(shard).filter(batch__isnull=True)
        ids = list(free.order_by("id").values_list("id", flat=True)[:most])
        # Once more with the condition: another relay may have named some of them since.
        free.filter(id__in=ids).update(batch=batch)
        return batch

    def _of(self, shard: str | None) -> Any:
        return self._rows().filter(shard__isnull=True) if shard is None else self._rows().filter(shard=shard)

    def _rows(self) -> Any:
        from .models import OutboxJob

        return OutboxJob.objects.using(self._alias)
