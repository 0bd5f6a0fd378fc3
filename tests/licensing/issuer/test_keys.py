"""Signing keys: private, never overwritten, never half made."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from offsider_issuer.errors import FolderError, SigningKeyError
from offsider_issuer.folder import Folder
from offsider_issuer.keys import create, load, public_keys


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder of a vendor."""
    return Folder(tmp_path / "vendor").made()


def never(kid: str) -> bytes:
    raise AssertionError(f"asked for the passphrase of {kid}")


def test_a_key_is_in_a_file_that_only_its_owner_reads(folder: Folder) -> None:
    key = create(folder, "2026-a")
    assert stat.S_IMODE((folder.keys / "2026-a.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert len(base64.b64decode(key.public)) == 32
    assert public_keys(folder) == {"2026-a": key.public}
    assert load(folder, None, never).public == key.public


def test_a_key_is_never_overwritten(folder: Folder) -> None:
    before = create(folder, "2026-a").public
    with pytest.raises(FolderError, match="is not overwritten"):
        create(folder, "2026-a")
    assert load(folder, "2026-a", never).public == before


def test_a_key_that_others_can_read_is_not_used(folder: Folder) -> None:
    create(folder, "2026-a")
    (folder.keys / "2026-a.pem").chmod(0o640)
    with pytest.raises(FolderError, match=r"mode 640.*chmod 600"):
        load(folder, "2026-a", never)


def test_a_sealed_key_opens_with_its_passphrase_only(folder: Folder) -> None:
    key = create(folder, "2026-a", b"correct horse")
    assert load(folder, None, lambda kid: b"correct horse").public == key.public
    with pytest.raises(SigningKeyError, match="passphrase is wrong"):
        load(folder, None, lambda kid: b"battery")


def test_of_several_keys_one_is_named(folder: Folder) -> None:
    create(folder, "2026-a")
    create(folder, "2026-b")
    with pytest.raises(SigningKeyError, match="2026-a, 2026-b: say which with --kid"):
        load(folder, None, never)
    assert load(folder, "2026-b", never).kid == "2026-b"


def test_what_is_no_key_of_ours_is_refused(folder: Folder) -> None:
    with pytest.raises(SigningKeyError, match="make one with"):
        load(folder, None, never)
    (folder.keys / "x.pem").write_text("nonsense")
    (folder.keys / "x.pem").chmod(0o600)
    with pytest.raises(SigningKeyError, match="damaged"):
        load(folder, "x", never)
    rsa = generate_private_key(65_537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder.keys / "x.pem").write_bytes(rsa)
    with pytest.raises(SigningKeyError, match="another kind"):
        load(folder, "x", never)


@pytest.mark.parametrize("kid", ["", "../x", "a/b", "A", ".x", "x" * 65, "a b"])
def test_a_name_is_a_file_name(folder: Folder, kid: str) -> None:
    with pytest.raises(SigningKeyError, match="expected 1 to 64"):
        create(folder, kid)
    assert list(folder.keys.iterdir()) == []
