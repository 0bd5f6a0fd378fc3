"""The settings ``[enterprise.encryption]``, and the ring of keys that they name. A key itself is no setting."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import Field, field_validator

from offsider.config.model import Section, Texts
from offsider.errors import InvalidSetting, shown

from .key import Key, checked_id, made
from .ring import Fetch, KeyRing

SOURCES = ("env", "file")
MOST_KEY_FILE_BYTES = 1000


class EncryptionSettings(Section):
    """What can be set under ``[enterprise.encryption]``.

    Attributes:
        keys: Where keys are, the newest first: ``NAME=env:VARIABLE`` or ``NAME=file:PATH``.
        active: The name of the key that encrypts; the first of ``keys`` when not set.
        digest: The name of the key for digests of unique jobs; the last of ``keys`` when not set.
        accept_plaintext: Run jobs whose arguments are plain although the code says that they are encrypted: while a
            fleet is on its way to encryption.
    """

    keys: Texts = Field(default_factory=list, repr=False)
    active: str | None = None
    digest: str | None = None
    accept_plaintext: bool = False

    @field_validator("keys")
    @classmethod
    def _check_keys(cls, keys: list[str]) -> list[str]:
        try:
            for number, one in enumerate(keys, 1):
                _parted(one, number)
        except InvalidSetting as error:
            raise ValueError(str(error)) from None
        return keys


def ring_of(
    settings: EncryptionSettings,
    fetch: Fetch | None = None,
    *,
    alarm: Callable[[str], None] | None = None,
    env: Mapping[str, str] | None = None,
) -> KeyRing:
    """The keys of a process.

    Args:
        settings: Say where they are.
        fetch: Given in code instead: ``EnterpriseEdition(encryption_keys=…)``.
        alarm: Is told the name of a key that is missing, once.
        env: The environment; the process's own when None.

    Raises:
        InvalidSetting: There is none, or one is not where it should be, or is no key.
    """
    if fetch is not None and settings.active is None:
        raise InvalidSetting(
            "encryption_keys gives keys by their names, and none is named to encrypt with: set"
            " enterprise.encryption.active"
        )
    environment = os.environ if env is None else env
    keys = [_read(*_parted(one, number), environment) for number, one in enumerate(settings.keys, 1)]
    return KeyRing(keys, active=settings.active, digest=settings.digest, fetch=fetch, alarm=alarm)


def _parted(entry: str, number: int) -> tuple[str, str, str]:
    """Name, source and place of an entry. What is wrong with it is told without it: it may be a key."""
    key_id, equals, source = entry.partition("=")
    kind, colon, place = source.partition(":")
    if not equals or not colon or kind not in SOURCES or not place:
        raise InvalidSetting(
            f"entry {number} of enterprise.encryption.keys is not NAME=env:VARIABLE or NAME=file:PATH. A key itself"
            " does not belong into settings: they are shown and logged"
        )
    return checked_id(key_id), kind, place


def _read(key_id: str, kind: str, place: str, env: Mapping[str, str]) -> Key:
    if kind == "file":
        return made(key_id, _from_file(key_id, Path(place)), f"file {place}")
    if place not in env:
        raise InvalidSetting(
            f"the key {key_id!r} is to be in the environment variable {shown(place)}, which is not set"
        )
    return made(key_id, env[place], f"variable {place}")


def _from_file(key_id: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_KEY_FILE_BYTES)
    except OSError as error:
        raise InvalidSetting(
            f"the key {key_id!r} is to be in the file {path}, which cannot be read: {error.strerror}"
        ) from None
