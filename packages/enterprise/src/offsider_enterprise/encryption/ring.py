"""The keys that a process has: one that encrypts, and all that can decrypt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from offsider import clock
from offsider.contract.work import Hold
from offsider.errors import InvalidSetting, shown, suggest

from .key import Key, checked_id, made

if TYPE_CHECKING:
    from .token import Token

log = logging.getLogger("offsider.enterprise")

HELD_S = 15.0
MOST_NAMES = 1000  # of missing keys: they come from Redis
ASK_AGAIN_S = 10.0  # whoever fetches keys is not asked more often for one that was not there

Fetch = Callable[[str], bytes | str | None]
"""Gives a key by its name, from wherever keys are kept; None for one that there is not."""


class KeyMissing(Hold):
    """The job waits for a key that this process does not have. It uses no attempt and never dies of it.

    Args:
        key_id: The name of the key.
        reason: What to tell.

    Attributes:
        key_id: The name of the key.
    """

    def __init__(self, key_id: str, reason: str) -> None:
        super().__init__(reason, delay_s=HELD_S)
        self.key_id = key_id


class KeyRing:
    """Keys by their names; for any number of threads.

    Args:
        keys: Those that are known, the newest first.
        active: The name of the one that encrypts; the first when None.
        digest: The name of the one that digests are made with; the last when None, so that a new key changes none.
        fetch: Is asked for a key that is not among them.
        alarm: Is told the name of a key that is missing, once.

    Attributes:
        active: The key that encrypts.
        digester: The key that digests are made with.

    Raises:
        InvalidSetting: There is none, two have one name, or the same secret, or one is named that is not there.

    Example:
        >>> ring = KeyRing([made("2026b", bytes(range(32)), "test")])
        >>> ring.active
        <Key 2026b 27bf0821>
    """

    def __init__(
        self,
        keys: Iterable[Key],
        *,
        active: str | None = None,
        digest: str | None = None,
        fetch: Fetch | None = None,
        alarm: Callable[[str], None] | None = None,
    ) -> None:
        self._fetch = fetch
        self._alarm = alarm
        self._keys: dict[str, Key] = {}
        self._ask_again_s: dict[str, float] = {}
        self._alarmed: set[str] = set()
        self._lock = threading.Lock()
        for key in keys:
            self._add(key)
        names = [*self._keys]
        self.active = self._named(active or (names[0] if names else None), "active")
        self.digester = self._named(digest or (names[-1] if names else self.active.id), "digest")

    @property
    def ids(self) -> list[str]:
        """The names of the keys that are known by now."""
        return [*self._keys]

    @property
    def keys(self) -> list[Key]:
        """Those keys."""
        return [*self._keys.values()]

    def digest(self, data: bytes) -> str:
        """A keyed hash that stays the same when another key becomes active; 64 hex letters."""
        return self.digester.digest(data)

    def has(self, token: Token) -> bool:
        """True for a token of a key that is known by now."""
        key = self._keys.get(token.key_id)
        return key is not None and key.fingerprint == token.fingerprint

    def find(self, token: Token) -> Key:
        """The key of a token.

        Raises:
            KeyMissing: It is not here, or another secret has its name here.
        """
        key = self._keys.get(token.key_id) or self._fetched(token.key_id)
        if key is not None and key.fingerprint == token.fingerprint:
            return key
        raise KeyMissing(token.key_id, self._missing(token, key))

    # -- steps -----------------------------------------------------------------------------------------------

    def _missing(self, token: Token, key: Key | None) -> str:
        if key is None:
            reason = f"it is encrypted with the key {token.key_id!r}, which this process does not have"
        else:
            reason = (
                f"it is encrypted with another key {token.key_id!r} (fingerprint {token.fingerprint.hex()}) than the"
                f" one of that name here ({key.fingerprint.hex()})"
            )
        mark = f"{token.key_id} {token.fingerprint.hex()}"
        if mark not in self._alarmed and len(self._alarmed) < MOST_NAMES:
            self._alarmed.add(mark)
            if self._alarm is not None:
                self._alarm(token.key_id)
            log.error(
                "%s. Such jobs are held until it has: give it the key (enterprise.encryption.keys; here are: %s) and"
                " start it anew. `offsider encryption status` counts them. This is logged once",
                reason,
                ", ".join(self._keys),
            )
        return reason

    def _fetched(self, key_id: str) -> Key | None:
        """Ask whoever fetches keys; an error there is as good as no key: the job waits."""
        if self._fetch is None:
            return None
        with self._lock:
            found = self._keys.get(key_id)
            if found is not None or clock.monotonic_s() < self._ask_again_s.get(key_id, 0.0):
                return found
            if len(self._ask_again_s) >= MOST_NAMES:
                self._ask_again_s.clear()
            self._ask_again_s[key_id] = clock.monotonic_s() + ASK_AGAIN_S
            try:
                given = self._fetch(key_id)
                if given is None:
                    return None
                key = made(key_id, given, "encryption_keys")
                self._add(key)
            except Exception:
                log.exception("the key %r could not be fetched by encryption_keys; jobs with it are held", key_id)
                return None
            return key

    def _named(self, key_id: str | None, setting: str) -> Key:
        where = f"enterprise.encryption.{setting}"
        if key_id is None:
            raise InvalidSetting(
                "there is no key to encrypt with: set enterprise.encryption.keys, e.g."
                ' ["2026a=env:SHOP_KEY_2026A"]. `offsider encryption keygen` makes a key'
            )
        if key_id not in self._keys and self._fetch is not None:
            self._add(self._asked(checked_id(key_id), where))
        if key_id not in self._keys:
            raise InvalidSetting(
                f"{where} is {shown(key_id)}, which is none of the keys: {', '.join(self._keys) or 'none'}."
                f"{suggest(key_id, self._keys)} Add it to enterprise.encryption.keys, or name another"
            )
        return self._keys[key_id]

    def _asked(self, key_id: str, where: str) -> Key:
        assert self._fetch is not None
        given = self._fetch(key_id)
        if given is None:
            raise InvalidSetting(f"{where} is {key_id!r}, and encryption_keys({key_id!r}) has given no key")
        return made(key_id, given, "encryption_keys")

    def _add(self, key: Key) -> None:
        if key.id in self._keys:
            raise InvalidSetting(f"two keys have the name {key.id!r} in enterprise.encryption.keys: rename one")
        same = next((one.id for one in self._keys.values() if one.fingerprint == key.fingerprint), None)
        if same is not None:
            raise InvalidSetting(
                f"the keys {same!r} and {key.id!r} are the same secret: a new key is made by `offsider encryption"
                " keygen`"
            )
        self._keys[key.id] = key
