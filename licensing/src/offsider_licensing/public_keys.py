"""The vendor's public keys: two a release, so that the next one is known before the first is retired."""

from __future__ import annotations

from typing import Final

KEYS: Final[dict[str, str]] = {
    "offsider-2026-1": "X1RojDSIZipyWMb88IZDFshhvjb5kCaCtu4yeis2J+g=",
    "offsider-2026-2": "PGPt+rP9ut+AKuO2dSLu8Xftg50pkinfPpyeH2llGHE=",
}
"""The key's id, which a licence names in its header → the 32 bytes of the Ed25519 key in base64."""
