"""The documentation as tests see it: pages, fenced blocks, headings, links and tables."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACES = ("*.md", "docs/**/*.md", "packages/*/*.md", "licensing/*.md", "benchmarks/*.md")

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+|~~~+)(?P<language>[\w-]*)")
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_CODE = re.compile(r"`[^`\n]+`")
_NO_SLUG = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and the line of the page on which the text begins (from 1)."""

    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the documentation."""

    path: Path

    @property
    def name(self) -> str:
        """Its path below the root."""
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8")

    @property
    def prose(self) -> str:
        """Its text without fenced blocks; they leave empty lines."""
        return "\n".join(line for line, _block in self._lines())

    def blocks(self, *languages: str) -> list[Block]:
        """Its fenced blocks in these languages, in order."""
        found = [block for _line, block in self._lines() if block is not None]
        return [block for block in found if block.language in languages]

    def headings(self) -> list[str]:
        """Its headings, in order."""
        return [line.lstrip("#").strip() for line in self.prose.splitlines() if re.match(r"#{1,6} ", line)]

    def anchors(self) -> set[str]:
        """What may stand behind ``#`` in a link to it."""
        return {slug(heading) for heading in self.headings()}

    def links(self) -> list[str]:
        """The targets of its links."""
        return _LINK.findall(_CODE.sub("", self.prose))

    def section(self, heading: str) -> str:
        """The prose below a heading, to the next one of any level."""
        lines = iter(self.prose.splitlines())
        for line in lines:
            if re.match(r"#{1,6} ", line) and line.lstrip("#").strip() == heading:
                break
        else:
            raise LookupError(f"{self.name} has no heading {heading!r}")
        return "\n".join(_until_heading(lines))

    def rows(self, heading: str) -> list[list[str]]:
        """The cells of the tables below a heading, without the tables' heads."""
        found: list[list[str]] = []
        for line in self.section(heading).splitlines():
            if set(line) <= set("|-: ") and line:
                found.pop()  # what stood above the rule is the head
            elif line.startswith("|"):
                found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        return found

    def _lines(self) -> Iterator[tuple[str, Block | None]]:
        """Each line outside of blocks; an empty line and the block for each block."""
        opened: re.Match[str] | None = None
        inside: list[str] = []
        for number, line in enumerate(self.text.splitlines(), start=1):
            fence = _FENCE.match(line)
            if opened is None:
                opened, inside = fence, []
                if fence is None:
                    yield line, None
            elif line.strip() == opened["fence"]:
                text = textwrap.dedent("\n".join(inside)) + "\n"
                yield "", Block(opened["language"], text, number - len(inside))
                opened = None
            else:
                inside.append(line)
        if opened is not None:
            raise ValueError(f"{self.name} has a block that is not closed: {opened.group()}")


def slug(heading: str) -> str:
    """A heading as GitHub makes an anchor of it.

    Example:
        >>> slug("What `worker` does, and why")
        'what-worker-does-and-why'
    """
    return _NO_SLUG.sub("", heading.lower()).replace(" ", "-")


def pages() -> list[Page]:
    """Every page of the documentation, in the order of their names."""
    return sorted((Page(path) for place in PLACES for path in ROOT.glob(place)), key=lambda page: page.name)


def page(name: str) -> Page:
    """One page, by its path below the root."""
    return Page(ROOT / name)


def _until_heading(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if re.match(r"#{1,6} ", line):
            return
        yield line
