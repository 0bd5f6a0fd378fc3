"""One message of Celery's queues, read from its bytes: its protocols 1 and 2, in JSON. Never unpickles anything."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ...errors import Malformed

WORKFLOW = ("chain", "chord", "callbacks", "errbacks")


@dataclass(frozen=True, slots=True)
class Message:
    """A task that waits.

    Attributes:
        name: The task's.
        args, kwargs: Its arguments, as JSON values.
        at_s: When it is to run, epoch seconds; None: now.
        until_s: When it is worth nothing any more, epoch seconds; None: never.
    """

    name: str
    args: list[Any]
    kwargs: dict[str, Any]
    at_s: float | None
    until_s: float | None


def read(raw: bytes) -> Message:
    """The task in these bytes.

    Raises:
        Malformed: They are no message, or one that cannot become a job: the reason says why.
    """
    envelope = _object(raw, "a message")
    kind = envelope.get("content-type")
    if kind != "application/json":
        raise Malformed(
            f"its content is {kind!r}, expected 'application/json': nothing else is read, pickle least of all"
        )
    body = _body(envelope)
    headers = envelope.get("headers")
    if isinstance(headers, dict) and "task" in headers:
        return _second(headers, body)
    if isinstance(body, dict) and "task" in body:
        return _made(body, body.get("args"), body.get("kwargs"), body)
    raise Malformed("it names no task")


def _second(headers: Mapping[str, Any], body: Any) -> Message:
    if not isinstance(body, list) or len(body) != 3:
        raise Malformed("its body is not [args, kwargs, options]")
    args, kwargs, options = body
    return _made(headers, args, kwargs, options if isinstance(options, dict) else {})


def _made(head: Mapping[str, Any], args: Any, kwargs: Any, options: Mapping[str, Any]) -> Message:
    for part in WORKFLOW:
        if options.get(part):
            raise Malformed(f"{head.get('task')} has a {part}: a workflow does not move; let Celery finish it")
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise Malformed("its arguments are not a list and an object")
    return Message(
        name=str(head.get("task")),
        args=args,
        kwargs=kwargs,
        at_s=_time(head.get("eta"), "eta"),
        until_s=_time(head.get("expires"), "expires"),
    )


def _body(envelope: Mapping[str, Any]) -> Any:
    body = envelope.get("body")
    properties = envelope.get("properties")
    encoding = properties.get("body_encoding") if isinstance(properties, dict) else None
    try:
        text = base64.b64decode(body) if encoding == "base64" else body  # type: ignore[arg-type]
        return json.loads(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed(f"its body cannot be read: {str(error)[:200]}") from None


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"it is no JSON: {str(error)[:200]}") from None
    if not isinstance(found, dict):
        raise Malformed(f"it is not {what} but a {type(found).__name__}")
    return found


def _time(value: Any, name: str) -> float | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Malformed(f"its {name} is {value!r}, expected an ISO 8601 time") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
