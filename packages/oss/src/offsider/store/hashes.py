"""What is in many hashes, read in few requests: a command for each would cost the asker six times as much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .scripts import load

if TYPE_CHECKING:
    from .wire import Wire

AT_ONCE = 100  # 100 hashes of 30 fields keep Redis for 2 ms


def read(wire: Wire, keys: Sequence[str], fields: Sequence[str] = (), *, at_once: int = AT_ONCE) -> list[Any]:
    """Look into hashes; each request is one moment.

    Args:
        wire: A connection.
        keys: Of the hashes.
        fields: What is wanted of each, at most 4,000; all of it without any.
        at_once: How many in one request, at most 500.

    Returns:
        For each key the values of the fields, None for one that is missing; without ``fields`` what `mapped` takes. A
        key of another type has no fields.

    Raises:
        StoreError: Redis is away or refuses.
    """
    return [one for some in _parts(keys, at_once) for one in wire.run(load("hashes"), some, [*fields])]


def requests(keys: Sequence[str], fields: Sequence[str] = (), *, at_once: int = AT_ONCE) -> list[tuple[Any, ...]]:
    """The same as commands for a pipeline of redis-py, each with its name first; the replies are lists of that.

    They have the script's text: in a pipeline nobody can ask again where it is not known.
    """
    text = load("hashes").text
    return [("eval", text, len(some), *some, *fields) for some in _parts(keys, at_once)]


def mapped(reply: Sequence[bytes]) -> dict[bytes, bytes]:
    """All fields of one hash with their values.

    Example:
        >>> mapped([b"a", b"1", b"b", b"2"])
        {b'a': b'1', b'b': b'2'}
    """
    return dict(zip(reply[::2], reply[1::2], strict=True))


def _parts(keys: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (keys[k : k + most] for k in range(0, len(keys), most))
