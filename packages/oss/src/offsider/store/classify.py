"""What an error of redis-py means for us. Redis refusing is not a job failing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import redis.exceptions as rx

from ..errors import RedisRefused, RedisUnavailable, StoreError


class Trouble(Enum):
    """What to do about an error."""

    AWAY = "away"  # no answer, or not now: wait, connect anew, repeat what is idempotent
    REFUSED = "refused"  # a clear no: nothing was changed
    ELSEWHERE = "elsewhere"  # a cluster's node that does not have the key: nothing was changed, ask another
    NOSCRIPT = "noscript"  # load the script and ask again
    OURS = "ours"  # a defect of this program


_REFUSED = (
    *(rx.AuthenticationError, rx.AuthorizationError, rx.AuthenticationWrongNumberOfArgsError),
    *(rx.NoPermissionError, rx.OutOfMemoryError),
)
_ELSEWHERE = (rx.AskError, rx.MovedError, rx.ClusterCrossSlotError)
_AWAY = (
    *(rx.ReadOnlyError, rx.ClusterDownError, rx.TryAgainError),  # MasterDownError is a ClusterDownError
    *(rx.ConnectionError, rx.TimeoutError, OSError, EOFError),
)
# READONLY is a failover that has not reached us yet: a new connection finds the new master.
_AWAY_WORDS = (
    *("LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "UNBLOCKED", "BUSY", "NOMASTERLINK", "FAILOVER"),
    "READONLY",
)
_REFUSED_WORDS = ("OOM", "MISCONF", "NOREPLICAS", "NOAUTH", "WRONGPASS", "NOPERM")
_ELSEWHERE_TEXTS = ("MOVED ", "ASK ", "CROSSSLOT ")
_READ_ONLY = "You can't write against a read only"  # what is left where the prefix was stripped


def classify(error: BaseException) -> Trouble:
    """What kind of trouble an error is, on every supported server and version of redis-py.

    By class first. Redis 6.2 wraps what a command inside a script answered into its own text (``ERR Error running
    script … -OOM command not allowed``), and redis-py strips some prefixes: so the known words are looked for, too.
    """
    if isinstance(error, rx.NoScriptError):
        return Trouble.NOSCRIPT
    if isinstance(error, _REFUSED):
        return Trouble.REFUSED
    if isinstance(error, _ELSEWHERE):
        return Trouble.ELSEWHERE
    if isinstance(error, _AWAY):
        return Trouble.AWAY
    if isinstance(error, rx.ResponseError):
        return _by_words(str(error))
    return Trouble.OURS


def _by_words(text: str) -> Trouble:
    if _READ_ONLY in text:
        return Trouble.AWAY
    words = {word.strip("-:,.'") for word in text[:400].split()}
    if "NOSCRIPT" in words:
        return Trouble.NOSCRIPT
    if text.startswith(_ELSEWHERE_TEXTS):
        return Trouble.ELSEWHERE
    if words.intersection(_AWAY_WORDS):
        return Trouble.AWAY
    if words.intersection(_REFUSED_WORDS) or any(sign in text for sign in _STRIPPED):
        return Trouble.REFUSED
    return Trouble.OURS


# The texts that are left where a prefix was stripped.
_STRIPPED = (
    "command not allowed when used memory",
    "Not enough good replicas to write",
    "Redis is configured to save RDB snapshots",
    "has no permissions",
    "ACL failure in script",
    "can't run this command",
)


def is_wrong_type(error: BaseException) -> bool:
    """True when a command, or a script, met a key of another type than it expects: somebody else has written it."""
    return isinstance(error, rx.ResponseError) and "WRONGTYPE" in str(error)


def as_store_error(error: BaseException) -> StoreError | None:
    """Our error for trouble with Redis; None for a defect of this program."""
    trouble = classify(error)
    if trouble is Trouble.AWAY:
        return RedisUnavailable(f"Redis is away ({type(error).__name__}: {str(error)[:200]})")
    if trouble is Trouble.ELSEWHERE:
        return RedisRefused(
            f"Redis is a cluster ({str(error)[:100]}); nothing was changed. Write redis.url as redis+cluster://HOST:PORT,"
            " with a namespace"
        )
    if trouble is Trouble.REFUSED:
        return RedisRefused(
            f"Redis refuses ({str(error)[:300]}); nothing was changed. Look at `INFO memory` and its log"
        )
    return None


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn errors of redis-py into ours."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        ours = as_store_error(error)
        if ours is None:
            raise
        raise ours from error
