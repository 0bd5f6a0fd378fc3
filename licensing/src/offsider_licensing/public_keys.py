"""The vendor's public keys: two a release, so that the next one is known before the first is retired."""

from __future__ import annotations

from typing import Final

KEYS: Final[dict[str, str]] = {
    "offsider-2026-1": "e8oU6YgIM/+ZiIPrv7zNP2f5g3+HhKN/WDn3EdoZxjg=",
    "offsider-2026-2": "QkIvo/JKe5t8fMz5fM9KbYTEb2/ODOgmrzjzQ6XnWqc=",
}
"""The key's id, which a licence names in its header → the 32 bytes of the Ed25519 key in base64."""
