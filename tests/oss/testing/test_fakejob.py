"""One job in memory: what of it is restored, and when."""

from __future__ import annotations

import pytest

from offsider import App
from offsider.contract.middleware import ClientMiddleware, NextPush
from offsider.errors import InvalidArguments
from offsider.job.push import PushRequest
from offsider.testing import fake


@pytest.fixture
def app() -> App:
    """An app whose Redis nobody runs."""
    return App("redis://127.0.0.1:1/0", editions=[])


class Seal(ClientMiddleware):
    """Puts something else in the place of the arguments, as encryption does."""

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        request.record["args"] = ["sealed"]
        return next(request)


def test_arguments_are_restored_when_they_are_looked_at(app: App) -> None:
    app.client_middleware.add("seal", Seal())

    @app.job
    def add(n: int) -> None: ...

    with fake(app) as jobs:
        add.enqueue(1)
        assert jobs.jobs[0].record["args"] == ["sealed"]
        with pytest.raises(InvalidArguments):
            _ = jobs.jobs[0].args
