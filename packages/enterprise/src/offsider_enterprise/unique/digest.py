"""What two calls must have in common to be the same: canonical bytes, and their digest. Pure, no I/O."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from offsider.errors import InvalidOption, NotJson, shown, suggest
from offsider.job.define import Job
from offsider.job.record import check_json
from offsider.job.signature import JobSignature

Digest = Callable[[bytes], str]
"""Canonical bytes to a text of letters, digits, ``-`` and ``_``: the lock's name."""


def sha256(canonical: bytes) -> str:
    """The usual digest: SHA-256 in 43 letters.

    Example:
        >>> sha256(b"[]")
        'T1PNoYwrqgwDVLtfmj7L5e0Sq02OEbqHPC8RFhICuUU'
    """
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).decode().rstrip("=")


def canonical(name: str, values: Any) -> bytes:
    """The job's name and what identifies the call, in one form: the order of keys makes no difference, the type does.

    Example:
        >>> canonical("sync", {"b": 1, "a": 2}) == canonical("sync", {"a": 2, "b": 1})
        True
        >>> len({canonical("sync", [value]) for value in (1, 1.0, True, "1")})
        4
    """
    return json.dumps([name, values], sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


class Arguments:
    """The arguments of one job by their names, whichever way they were given; a default counts as given.

    Args:
        job: The job.
    """

    def __init__(self, job: Job[..., Any]) -> None:
        self._job = job
        self._signature = JobSignature(job.fn, job.name)
        variadic = (self._signature.rest, self._signature.others)
        self._names = [one for one in self._signature.wire.parameters if one not in variadic]
        self._defaults = self._json_defaults()

    def of(self, args: Sequence[Any], kwargs: Mapping[str, Any], by: Sequence[str] | None) -> Any:
        """What identifies a call.

        Args:
            args, kwargs: As they are on the wire.
            by: Names of arguments; None for all of them.

        Raises:
            InvalidOption: The job has no such argument.
        """
        signature = self._signature
        count = len(signature.positional)
        named = {**self._defaults, **dict(zip(signature.positional, args, strict=False)), **kwargs}
        if by is None:
            return [named, list(args[count:])]
        for name in by:
            if name not in named and (name in self._names or signature.others is None):
                raise InvalidOption(
                    f"unique: by names {shown(name)}, which is no argument of job {self._job.name!r}."
                    f"{suggest(name, self._names)} Arguments are: {', '.join(self._names) or 'none'}"
                )
        return {name: named.get(name) for name in by}

    def _json_defaults(self) -> dict[str, Any]:
        """Defaults as they would travel; one that is not JSON as it is does not count as given."""
        found: dict[str, Any] = {}
        for name in self._names:
            default = self._signature.wire.parameters[name].default
            if default is not self._signature.wire.empty and _is_json(default):
                found[name] = default
        return found


def _is_json(value: Any) -> bool:
    try:
        check_json(value, "")
    except NotJson:
        return False
    return True
