"""A sheet: what is printed, in blocks, before it is known on what. All text is plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from components.paper.drawing import Drawing

Tone = Literal["", "up", "down", "amber", "red", "quiet"]
Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of text: plain, or bold, in a tone, and linked."""

    text: str
    bold: bool = False
    tone: Tone = ""
    href: str = ""


Text = str | Words
Line = Sequence[Text]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 begins a part of the sheet, level 2 one thing in it."""

    line: Line
    level: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Pieces of text in a row."""

    line: Line


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its head, its side, and its share of the width."""

    head: str
    side: Side = "left"
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows under heads; a row has as many cells as there are columns."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Text]]


@dataclass(frozen=True, slots=True)
class Drawings:
    """Drawings side by side."""

    drawings: Sequence[Drawing]


@dataclass(frozen=True, slots=True)
class Kept:
    """Blocks that stay on one page where they fit on one."""

    blocks: Sequence[Block]


Block = Heading | Paragraph | Grid | Drawings | Kept


@dataclass(frozen=True, slots=True)
class Sheet:
    """Title, what stands under it, the blocks, and what stands at the foot of every page."""

    title: str
    under: Line
    foot: str
    made_at: datetime
    blocks: Sequence[Block] = field(default_factory=tuple)


def piece(text: Text) -> Words:
    """A piece of text as one that says how it looks."""
    return text if isinstance(text, Words) else Words(text)
