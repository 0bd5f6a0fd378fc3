"""``offsider encryption``: a key, what is in use, and rotation, on the command line."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from offsider import App
from offsider.cli.main import Cli, build
from offsider.errors import InvalidSetting
from offsider_enterprise import EnterpriseEdition
from offsider_enterprise.encryption.key import made
from offsider_pro import ProEdition
from support.everything import everything
from support.keys import put_keys, text_of

CARD = "4111-1111-1111-1111"
Make = Callable[..., App]

SHOP = """
from offsider import App
from offsider_enterprise import EnterpriseEdition
from offsider_pro import ProEdition

app = App(editions=[ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")])


@app.job(name="pay", encrypt=("card",))
def pay(order: int, card: str) -> None: ...
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str) -> Callable[..., str]:
    """``MODULE:APP`` of a program with these keys, the first one active."""

    def make(name: str, *keys: str) -> str:
        (tmp_path / f"{name}.py").write_text(SHOP)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("OFFSIDER_REDIS_URL", redis_url)
        monkeypatch.setenv("OFFSIDER_ENTERPRISE_ENCRYPTION_KEYS", ",".join(put_keys(monkeypatch, *keys)))
        return f"{name}:app"

    return make


def offsider(*words: str) -> Result:
    cli = Cli()
    for edition in (ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")):
        edition.install_cli(cli)
    command: click.Command = build(cli)
    return CliRunner().invoke(command, list(words), obj=cli, prog_name="offsider")


def test_a_key_is_printed_or_written_for_its_owner_only(tmp_path: Path) -> None:
    printed = offsider("encryption", "keygen")
    assert made("a", printed.output, "test")
    file = tmp_path / "2026a.key"
    assert offsider("encryption", "keygen", "--file", str(file)).exit_code == 0
    assert made("a", file.read_bytes(), "test")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = offsider("encryption", "keygen", "--file", str(file))
    assert again.exit_code == 1
    assert "A key is never overwritten" in again.output
    nowhere = offsider("encryption", "keygen", "--file", str(tmp_path / "no" / "key"))
    assert "No such file or directory" in nowhere.output


def test_what_is_in_use_and_what_is_missing(shop: Callable[..., str], make_keyed: Make) -> None:
    make_keyed("old").job(name="pay", encrypt=("card",))(lambda order, card: None).enqueue(7, CARD)
    held = offsider("encryption", "status", "--app", shop("status_shop", "new", "old"))
    assert held.exit_code == 0, held.output
    new, old = held.output.splitlines()[1:3]
    assert re.match(r"new +[0-9a-f]{8} +encrypts +0", new)
    assert re.match(r"old +[0-9a-f]{8} +decrypts, names locks +1", old)
    assert "1  encrypted jobs in queue default" in held.output
    missing = offsider("encryption", "status", "--json", "--app", shop("missing_shop", "new"))
    assert missing.exit_code == 1
    told = json.loads(missing.output)
    assert [name.partition(":")[0] for name in told["missing"]] == ["old"]
    for text in (held.output, missing.output):
        assert text_of("old") not in text
        assert CARD not in text


def test_rotation_and_a_key_that_nothing_needs_any_more(shop: Callable[..., str], make_keyed: Make, raw: Any) -> None:
    make_keyed("old").job(name="pay", encrypt=("card",))(lambda order, card: None).enqueue_many([(1, CARD)] * 3)
    app = shop("rotation_shop", "new", "old")
    dry = offsider("encryption", "rotate", "--dry-run", "--app", app)
    assert "3  jobs would be encrypted with the active key" in dry.output
    done = offsider("encryption", "rotate", "--json", "--app", app)
    assert done.exit_code == 0
    assert json.loads(done.output)["rotated"] == 3
    status = offsider("encryption", "status", "--app", app)
    assert "No job in Redis has the key old" in status.output
    assert CARD.encode() not in everything(raw)


def test_plain_jobs_need_the_code(shop: Callable[..., str], raw: Any) -> None:
    app = shop("plain_shop", "new")
    refused = offsider("encryption", "rotate", "--seal-plaintext")
    assert refused.exit_code == 2
    assert "--seal-plaintext needs --app" in refused.output
    job = {"class": "pay", "args": [7, CARD], "jid": "j1", "queue": "default"}
    raw.lpush("{offsider}:queue:default", json.dumps(job))
    raw.sadd("{offsider}:queues", "default")
    done = offsider("encryption", "rotate", "--seal-plaintext", "--app", app)
    assert "1  jobs are encrypted, and were plain" in done.output
    assert CARD.encode() not in everything(raw)


def test_what_cannot_be_done_is_told_by_the_exit_code(shop: Callable[..., str], make_keyed: Make) -> None:
    make_keyed("third").job(name="pay", encrypt=True)(lambda order, card: None).enqueue(1, CARD)
    done = offsider("encryption", "rotate", "--app", shop("stuck_shop", "new"))
    assert done.exit_code == 1
    assert "1  jobs stay as they are: their key is not here" in done.output


def test_without_a_key_the_command_says_what_to_set(shop: Callable[..., str]) -> None:
    refused = offsider("encryption", "status", "--app", shop("keyless_shop"))
    assert isinstance(refused.exception, InvalidSetting)  # one line and exit code 2, as every error of ours
    assert "there is no key to encrypt with: set enterprise.encryption.keys" in str(refused.exception)
