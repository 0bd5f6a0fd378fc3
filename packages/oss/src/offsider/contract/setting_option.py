"""An option of ``offsider worker`` that stands for a setting: ours and those of editions, the same way. A value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingOption:
    """One option.

    Attributes:
        words: As they are typed: ``("-t", "--timeout")``.
        setting: What it sets, over the environment and the files: ``"worker.shutdown_timeout_s"``.
        help: One sentence.
        type: A click type of what follows the word; text when None.
        metavar: How help shows that; None for the type's own way.
        is_flag: True when nothing follows.
        value: What a flag sets.

    Example:
        >>> SettingOption(words=("--city",), setting="shop.city", help="Where.").place
        ('shop', 'city')
    """

    words: tuple[str, ...]
    setting: str
    help: str
    type: Any = None
    metavar: str | None = None
    is_flag: bool = False
    value: Any = True

    @property
    def place(self) -> tuple[str, str]:
        """The section, and the name in it."""
        section, _, name = self.setting.partition(".")
        return section, name
