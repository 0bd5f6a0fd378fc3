"""What encryption registers, door by door. `EnterpriseEdition` calls it; nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config import settings_of
from .codec import EncryptionCodec
from .key_check import NAME, key_check
from .option import OPTION

if TYPE_CHECKING:
    from offsider import App
    from offsider.worker.worker import Worker

    from .ring import Fetch

ALARM = "key_missing"


def install(app: App, fetch: Fetch | None, by: str) -> None:
    """In every process: the option, the codec, the event, and a check of the doctor.

    Args:
        app: The app.
        fetch: Gives keys by their names; None for those of the settings.
        by: The edition.
    """
    app.job_options.add(OPTION.name, OPTION, by=by)
    app.events.declare(ALARM, by=by)
    codec = EncryptionCodec(
        lambda: settings_of(app).encryption,
        lambda: app.home.namespace,
        fetch=fetch,
        alarm=lambda key_id: app.events.emit(ALARM, key_id),
    )
    app.codec.fill(codec, by=by)
    app.events.on("startup", lambda: codec.check([*app.jobs.values()]), by=by)
    app.checks.add(NAME, key_check, by=by)


def install_worker(worker: Worker, by: str) -> None:
    """In a worker: which keys it has is told with its heartbeat; their names and fingerprints, never more."""
    codec = codec_of(worker.app)
    worker.heartbeat_fields.add("encryption_keys", codec.told, by=by)


def codec_of(app: App) -> EncryptionCodec:
    """The codec of an app that has this edition.

    Raises:
        EditionError: The app was made without it, or somebody else fills the slot.
    """
    from offsider.errors import EditionError

    codec = app.codec.value
    if isinstance(codec, EncryptionCodec):
        return codec
    raise EditionError(
        f"this app's codec is {app.codec.by}'s: encryption needs App(editions=[ProEdition(), EnterpriseEdition()]), or"
        " neither editions= nor OFFSIDER_EDITIONS"
    )
