"""The text of a licence: what counts as one, and the way from its file into one line that the guide gives."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from offsider_licensing.armour import looks_like_text, token_of
from support.pages import page
from support.signer import Signer, armoured

GOOD = Signer().token()


@pytest.mark.parametrize("text", ["evaluation", "evaluation\n", "\n\nevaluation", "\ufeffevaluation\r\n"])
def test_the_word_evaluation_has_no_token(text: str) -> None:
    assert token_of(text) is None


def test_armour_and_bare_line_hold_the_same_token() -> None:
    assert token_of(armoured(GOOD)) == token_of(f"{GOOD}\n") == GOOD


@pytest.mark.parametrize("text", [GOOD, f"{GOOD}\n", armoured(GOOD), "evaluation", " evaluation ", "-----BEGIN"])
def test_what_can_only_be_a_text_is_one(text: str) -> None:
    assert looks_like_text(text)


@pytest.mark.parametrize("path", ["offsider.license", "/etc/offsider/offsider.license", "a.b.c/d", "C:\\x.license", ""])
def test_what_may_be_a_path_is_none(path: str) -> None:
    assert not looks_like_text(path)


@pytest.mark.parametrize(
    "headers", [{}, {"Customer": "A & B \u682a\u5f0f\u4f1a\u793e"}], ids=["plain", "other letters"]
)
def test_the_command_of_the_guide_makes_one_line_of_a_file(headers: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "acme.license").write_text(armoured(GOOD, **headers), "utf-8")
    found = re.search(r"\$\(sed .*\)", page("docs/guides/licences.md").text)
    assert found, "the guide has the command"
    run = subprocess.run(
        ["sh", "-c", f'printf %s "{found[0]}"'], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout == GOOD
