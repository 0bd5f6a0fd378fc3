"""What the doctor says of keys: are they there, has every process the one that encrypts, does a job wait for one?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from offsider.api.desk import told
from offsider.api.workforce import listed
from offsider.contract.findings import OK, PROBLEM, WARNING, Finding
from offsider.errors import ConfigError

from .survey import survey

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.inspect import ServerFacts

    from .codec import EncryptionCodec
    from .ring import KeyRing

NAME = "encryption keys"
MOST = 5000  # entries to look at: the doctor is quick; `offsider encryption status` looks at all
MOST_NAMED = 5


def key_check(app: App, _facts: ServerFacts) -> Iterable[Finding]:
    """The check."""
    from .install import codec_of

    codec = codec_of(app)
    if not _is_used(app, codec):
        return []
    try:
        ring = codec.ring
    except ConfigError as error:
        return [Finding(NAME, PROBLEM, "there is none", "a key to encrypt with", str(error))]
    found = [*_missing(app, ring), *_lacking(app, ring)]
    return found or [
        Finding(NAME, OK, f"{ring.active.id} encrypts; {len(ring.ids)} can decrypt: {', '.join(ring.ids)}")
    ]


def _is_used(app: App, codec: EncryptionCodec) -> bool:
    return codec.is_configured or any(job.secret for job in app.jobs.values())


def _missing(app: App, ring: KeyRing) -> Iterator[Finding]:
    """Jobs whose key is not here; a sample, since queues may be long."""
    seen = survey(app, most=MOST)
    known = {f"{key.id}:{key.fingerprint.hex()}" for key in ring.keys}
    missing = sorted(name for name in seen.tokens if name not in known)
    if missing:
        count = sum(seen.tokens[name] for name in missing)
        yield Finding(
            NAME,
            PROBLEM,
            f"{count:,} values in Redis are encrypted with keys that are not here: {', '.join(missing[:MOST_NAMED])}",
            f"the keys here: {', '.join(sorted(known))}",
            "Their jobs are held, not lost: add the keys to enterprise.encryption.keys. `offsider encryption status`"
            " counts them all",
        )


def _lacking(app: App, ring: KeyRing) -> Iterator[Finding]:
    """Processes that tell their keys, and do not have the one that encrypts here."""
    active = f"{ring.active.id}:{ring.active.fingerprint.hex()}"
    lacking = [name for name, keys in process_keys(app) if active not in keys]
    if lacking:
        yield Finding(
            NAME,
            WARNING,
            f"{len(lacking):,} processes do not have the key {active}, with which this one encrypts:"
            f" {', '.join(lacking[:MOST_NAMED])}",
            "every process can decrypt with the active key",
            "Give a new key to all processes before it becomes active anywhere: they hold its jobs until they have it",
        )


def process_keys(app: App) -> Iterator[tuple[str, list[str]]]:
    """The processes that tell which keys they have, and which: ``name:fingerprint`` each."""
    with app.desk.wire() as wire:
        for identity in listed(wire, app.keys):
            raw = told(wire, None, "HGET", app.keys.process(identity), "encryption_keys")
            if raw:
                yield identity, raw.decode("utf-8", "replace").split(",")
