"""Django's database connections around jobs: what is broken or too old is closed, as around a request."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from ...contract.middleware import NextAsync, NextSync, ServerMiddleware
from ...dispatch import InlineExecution

LINK = "django"


class CloseConnections(ServerMiddleware):
    """Around every run in a worker; a job that runs inline shares its caller's connections."""

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job, on its thread."""
        if isinstance(execution, InlineExecution):
            return next(execution)
        close_old_connections()
        try:
            return next(execution)
        finally:
            close_old_connections()

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job: its queries run on Django's thread for such, and so does this."""
        if isinstance(execution, InlineExecution):
            return await next(execution)
        close = sync_to_async(close_old_connections)
        await close()
        try:
            return await next(execution)
        finally:
            await close()
