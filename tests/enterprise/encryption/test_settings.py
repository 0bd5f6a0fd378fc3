"""Where keys are is a setting, a key is none; what is wrong is told without showing what was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from offsider import App
from offsider.errors import InvalidSetting, UnknownSetting
from offsider_enterprise import EnterpriseEdition
from offsider_enterprise.encryption.settings import EncryptionSettings, ring_of
from offsider_pro import ProEdition
from support.keys import text_of


def settings(*keys: str, **more: Any) -> EncryptionSettings:
    return EncryptionSettings(keys=list(keys), **more)


def test_keys_come_from_variables_and_files(tmp_path: Path) -> None:
    file = tmp_path / "old.key"
    file.write_text(text_of("old") + "\n")
    ring = ring_of(settings("new=env:SHOP_KEY", f"old=file:{file}"), env={"SHOP_KEY": text_of("new")})
    assert [key.id for key in ring.keys] == ["new", "old"]
    assert ring.active.id == "new"


def test_a_file_may_have_the_bare_bytes(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(bytes(range(32)))
    assert ring_of(settings(f"a=file:{tmp_path}/key"), env={}).active.fingerprint.hex() == "27bf0821"


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ([], "there is no key to encrypt with"),
        (["a=env:SHOP_KEY"], "the environment variable 'SHOP_KEY', which is not set"),
        (["a=file:/nowhere/key"], "the file /nowhere/key, which cannot be read: No such file"),
        (["a=file:/"], "cannot be read: Is a directory"),
    ],
)
def test_a_key_that_is_not_where_it_should_be_is_refused(keys: list[str], why: str) -> None:
    with pytest.raises(InvalidSetting, match=why):
        ring_of(settings(*keys), env={})


def test_who_gives_keys_by_name_has_to_name_the_active_one() -> None:
    with pytest.raises(InvalidSetting, match=r"set enterprise\.encryption\.active"):
        ring_of(settings(), lambda name: text_of(name))
    assert ring_of(settings(active="new"), lambda name: text_of(name)).active.id == "new"


@pytest.mark.parametrize(
    "entry", [text_of("a"), f"a={text_of('a')}", "a=vault:x", "a=env:", "a", "=env:X", "a b=env:X"]
)
def test_a_key_itself_is_no_setting_and_is_not_shown(entry: str) -> None:
    editions = [ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")]
    with pytest.raises(InvalidSetting) as caught:
        App("redis://127.0.0.1:1/0", editions=editions, enterprise={"encryption": {"keys": ["b=env:X", entry]}})
    assert text_of("a") not in str(caught.value)


def test_the_environment_has_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFSIDER_ENTERPRISE_ENCRYPTION_KEYS", "new=env:NEW, old=env:OLD")
    monkeypatch.setenv("OFFSIDER_ENTERPRISE_ENCRYPTION_ACTIVE", "old")
    editions = [ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")]
    app: Any = App("redis://127.0.0.1:1/0", editions=editions)
    assert app.settings.enterprise.encryption.keys == ["new=env:NEW", "old=env:OLD"]
    assert app.settings.enterprise.encryption.active == "old"


def test_a_misspelt_setting_is_an_error() -> None:
    editions = [ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")]
    with pytest.raises(UnknownSetting, match=r"Did you mean 'enterprise.encryption.active'"):
        App("redis://127.0.0.1:1/0", editions=editions, enterprise={"encryption": {"activ": "a"}})
