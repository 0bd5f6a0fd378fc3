"""XAES-256-GCM gives the values that its specification publishes, and refuses whatever was changed."""

from __future__ import annotations

import hashlib
import threading

import pytest
from cryptography.exceptions import InvalidTag

from offsider_enterprise.encryption.xaes import NONCE_BYTES, Xaes

NONCE = b"ABCDEFGHIJKLMNOPQRSTUVWX"


@pytest.mark.parametrize(
    ("key", "context", "ciphertext"),
    [
        (b"\x01" * 32, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        (b"\x03" * 32, b"c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
    ],
    ids=["first bit 0", "first bit 1"],
)
def test_the_published_values(key: bytes, context: bytes, ciphertext: str) -> None:
    box = Xaes(key)
    sealed = box.seal(b"XAES-256-GCM", context, NONCE)
    assert sealed == NONCE + bytes.fromhex(ciphertext)
    assert box.open(sealed, context) == b"XAES-256-GCM"


def test_the_published_sum_of_ten_thousand_random_messages() -> None:
    """C2SP's accumulated test: SHAKE-128 gives keys, nonces, texts and contexts; another one sums up."""
    stream = hashlib.shake_128().digest(4_000_000)
    at, total = 0, hashlib.shake_128()

    def read(count: int) -> bytes:
        nonlocal at
        at += count
        return stream[at - count : at]

    for _ in range(10_000):
        key, nonce = read(32), read(NONCE_BYTES)
        plaintext = read(read(1)[0])
        context = read(read(1)[0])
        total.update(Xaes(key).seal(plaintext, context, nonce)[NONCE_BYTES:])
    assert total.hexdigest(32) == "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"


def test_each_message_has_a_nonce_of_its_own() -> None:
    box = Xaes(bytes(range(32)))
    assert len({box.seal(b"x", b"")[:NONCE_BYTES] for _ in range(100)}) == 100


def test_another_key_another_context_and_any_changed_byte_are_refused() -> None:
    box = Xaes(bytes(range(32)))
    sealed = box.seal(b"4111", b"job 7")
    for other, text, context in [
        (Xaes(bytes(32)), sealed, b"job 7"),
        (box, sealed, b"job 8"),
        *((box, sealed[:k] + bytes([sealed[k] ^ 1]) + sealed[k + 1 :], b"job 7") for k in range(len(sealed))),
    ]:
        with pytest.raises(InvalidTag):
            other.open(text, context)


def test_threads_do_not_mix_their_messages() -> None:
    box, wrong = Xaes(bytes(range(32))), []

    def work(number: int) -> None:
        for k in range(300):
            text = f"{number} {k}".encode()
            if box.open(box.seal(text, text), text) != text:
                wrong.append(text)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not wrong
