"""What README.md and docs/*.md tell people to type: fenced blocks, commands, and commands in running text."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")
COMMANDS = ("", "bash", "sh")  # languages of blocks that hold commands; what is no command is named otherwise


def fenced(page: Path, *languages: str) -> list[str]:
    """The contents of a page's blocks in one of these languages."""
    return [body for language, body in FENCE.findall(page.read_text(encoding="utf-8")) if language in languages]


def commands(page: Path) -> list[str]:
    """A page's commands, a line each, without comments."""
    lines = "\n".join(fenced(page, *COMMANDS)).replace("\\\n", " ").splitlines()
    return [shlex.join(words) for words in (shlex.split(line, comments=True) for line in lines) if words]


def mentioned(page: Path, start: str) -> Iterator[str]:
    """Commands that begin so and stand in running text."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for words in INLINE.findall(text):
        command = " ".join(words.split())
        if command.startswith(start):
            yield command
