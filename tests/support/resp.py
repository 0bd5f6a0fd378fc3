"""Where a message of Redis' protocol ends, and the words of a request. Never does I/O."""

from __future__ import annotations

LINE = b"+-:_,#("  # the line is all there is
BLOB = b"$!="  # the line says how many bytes follow
LISTS = {b"*": 1, b"~": 1, b">": 1, b"%": 2, b"|": 2}  # the line says how many messages follow, or pairs of them


def end_of(data: bytes | bytearray, at: int = 0) -> int:
    """Where the message that begins at ``at`` ends; -1 while it is not complete.

    Example:
        >>> end_of(b"*2\\r\\n$1\\r\\na\\r\\n:7\\r\\nrest"), end_of(b"$5\\r\\nab")
        (15, -1)
    """
    line = data.find(b"\r\n", at)
    if line < 0:
        return -1
    kind, rest = bytes(data[at : at + 1]), line + 2
    if kind in LINE:
        return rest
    size = int(data[at + 1 : line])
    if kind in BLOB:
        end = rest if size < 0 else rest + size + 2
        return end if end <= len(data) else -1
    for _ in range(max(size, 0) * LISTS[kind]):
        rest = end_of(data, rest)
        if rest < 0:
            return -1
    return end_of(data, rest) if kind == b"|" else rest  # attributes come before the message they belong to


def is_push(data: bytes | bytearray) -> bool:
    """True for a message that answers nothing."""
    return data[:1] == b">"


def words_of(request: bytes) -> list[bytes]:
    """The words of a request.

    Example:
        >>> words_of(b"*2\\r\\n$3\\r\\nGET\\r\\n$1\\r\\na\\r\\n")
        [b'GET', b'a']
    """
    words, at = [], request.index(b"\r\n") + 2
    while at < len(request):
        line = request.index(b"\r\n", at)
        size = int(request[at + 1 : line])
        words.append(request[line + 2 : line + 2 + size])
        at = line + size + 4
    return words
