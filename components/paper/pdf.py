"""A sheet as PDF on A4: text that can be found and copied, heads of tables on every page.

The fonts are the latin part of Inter (app/static/inter-latin.woff2, OFL) at 400 and 700, with
tabular figures; a sign that they lack is written as a question mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, TableBordersLayout
from fpdf.fonts import FontFace, TTFFont

from components.paper.drawing import Box, Ink, Label, Mark, Stroke
from components.paper.sheet import (
    Block,
    Drawings,
    Grid,
    Heading,
    Kept,
    Line,
    Paragraph,
    Sheet,
    Tone,
    piece,
)

FONTS = Path(__file__).resolve().parent / "fonts"
Colour = tuple[int, int, int]
INK: Colour = (22, 32, 46)
TONES: dict[Tone, Colour] = {
    "": INK,
    "up": (31, 111, 196),
    "down": (194, 85, 29),
    "amber": (168, 98, 0),
    "red": (179, 54, 27),
    "quiet": (92, 104, 120),
}
INKS: dict[Ink, Colour] = {
    "up": TONES["up"],
    "down": TONES["down"],
    "ink": INK,
    "quiet": TONES["quiet"],
    "grid": (201, 208, 218),
    "shade": (238, 242, 247),
    "accent": (31, 95, 191),
}
SIDE, TOP, BOTTOM = 12.0, 14.0, 16.0  # millimetres
TEXT, SMALL, LINE = 9.0, 8.0, 4.3  # points, points, millimetres
SIZES = {1: (13.0, 7.0), 2: (10.5, 6.0)}  # of headings: points, millimetres
GAP = 3.0  # millimetres between drawings


class _Paper(FPDF):
    """Pages with the foot of the sheet."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(format="A4")
        self.foot = sheet.foot
        self.add_font("Inter", "", FONTS / "inter-regular.ttf")
        self.add_font("Inter", "B", FONTS / "inter-bold.ttf")
        self.set_margins(SIDE, TOP, SIDE)
        self.set_auto_page_break(auto=True, margin=BOTTOM)
        self.set_title(sheet.title)
        self.set_lang("en")
        self.set_producer("Openbell")
        self.set_creation_date(sheet.made_at)
        self.alias_nb_pages("{pages}")
        self.set_draw_color(*INKS["grid"])
        self.add_page()

    def footer(self) -> None:
        """Source and page, at the foot of each."""
        self.set_y(-BOTTOM + 5)
        self.set_font("Inter", "", SMALL)
        self.set_text_color(*TONES["quiet"])
        self.cell(0, LINE, known(self.foot))
        self.set_x(self.l_margin)
        self.cell(0, LINE, f"{self.page_no()} / {{pages}}", align="R")


def document(sheet: Sheet) -> bytes:
    """The sheet as the bytes of a PDF file; the same sheet is the same bytes."""
    pdf = _Paper(sheet)
    with _closed(pdf):
        _heading(pdf, (sheet.title,), 17.0, 9.0)
        _paragraph(pdf, sheet.under)
        for block in sheet.blocks:
            _block(pdf, block)
        return bytes(pdf.output())


@contextmanager
def _closed(pdf: FPDF) -> Iterator[None]:
    """The files of the fonts are open as long as they are written with; nobody else closes them."""
    try:
        yield
    finally:
        for font in pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()


@cache
def _signs() -> frozenset[int]:
    plain = FPDF()
    plain.add_font("Inter", "", FONTS / "inter-regular.ttf")
    with _closed(plain):
        font = plain.fonts["inter"]
        assert isinstance(font, TTFFont)
        return frozenset(font.cmap)


def known(text: str) -> str:
    """The text in the signs that the fonts have."""
    signs = _signs()
    plain = " ".join(text.split()) if any(ord(sign) < 32 for sign in text) else text
    return "".join(sign if ord(sign) in signs else "?" for sign in plain)


def _block(pdf: FPDF, block: Block) -> None:
    if isinstance(block, Heading):
        size, height = SIZES[block.level]
        _room(pdf, height + 3 * LINE)
        pdf.ln(2.5 if block.level == 1 else 1.5)
        _heading(pdf, block.line, size, height)
        if block.level == 1:
            pdf.line(SIDE, pdf.get_y(), pdf.w - SIDE, pdf.get_y())
            pdf.ln(1.2)
    elif isinstance(block, Paragraph):
        _paragraph(pdf, block.line)
    elif isinstance(block, Grid):
        _table(pdf, block)
    elif isinstance(block, Drawings):
        _drawings(pdf, block)
    else:
        _room(pdf, sum(_height(pdf, inner) for inner in block.blocks))
        for inner in block.blocks:
            _block(pdf, inner)


def _room(pdf: FPDF, height: float) -> None:
    """A new page where what comes does not fit below, and would on a page of its own."""
    left = pdf.h - BOTTOM - pdf.get_y()
    if left < height <= pdf.h - BOTTOM - TOP:
        pdf.add_page()


def _height(pdf: FPDF, block: Block) -> float:
    """About how high a block will stand."""
    if isinstance(block, Heading):
        return SIZES[block.level][1] + 2.5
    if isinstance(block, Paragraph):
        pdf.set_font("Inter", "B", TEXT)
        whole = known("".join(piece(text).text for text in block.line))
        height = pdf.multi_cell(0, LINE, whole, dry_run=True, output=MethodReturnValue.HEIGHT)
        assert isinstance(height, float)
        return height + LINE
    if isinstance(block, Drawings):
        return _drawn_height(pdf, block) + GAP
    if isinstance(block, Grid):
        return (len(block.rows) + 1) * (LINE + 1.2) + 3
    assert isinstance(block, Kept)
    return sum(_height(pdf, inner) for inner in block.blocks)


def _heading(pdf: FPDF, line: Line, size: float, height: float) -> None:
    for text in line:
        words = piece(text)
        pdf.set_font("Inter", "" if words.tone == "quiet" else "B", size)
        pdf.set_text_color(*TONES[words.tone])
        pdf.write(height, known(words.text))
    pdf.ln(height)


def _paragraph(pdf: FPDF, line: Line) -> None:
    for text in line:
        words = piece(text)
        pdf.set_font("Inter", "B" if words.bold else "", TEXT)
        pdf.set_text_color(*(INKS["accent"] if words.href else TONES[words.tone]))
        pdf.write(LINE, known(words.text), link=_link(words.href))
    pdf.ln(LINE + 0.6)


def _link(href: str) -> str:
    return href if href.startswith("https://") else ""


def _table(pdf: FPDF, table: Grid) -> None:
    pdf.set_font("Inter", "", SMALL)
    pdf.set_text_color(*INK)
    quiet = FontFace(emphasis="BOLD", color=TONES["quiet"])
    sides = tuple("RIGHT" if column.side == "right" else "LEFT" for column in table.columns)
    with pdf.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=quiet,
        col_widths=tuple(column.share for column in table.columns),
        text_align=sides,
        line_height=LINE,
        padding=(0.6, 1.2, 0.6, 0),
    ) as grid:
        heads = grid.row()
        for column in table.columns:
            heads.cell(known(column.head))
        for cells in table.rows:
            row = grid.row()
            for cell in cells:
                words = piece(cell)
                colour = INKS["accent"] if words.href else TONES[words.tone]
                look = FontFace(emphasis="BOLD" if words.bold else None, color=colour)
                row.cell(known(words.text), style=look, link=_link(words.href) or None)
    pdf.ln(2)


def _scale(pdf: FPDF, block: Drawings) -> float:
    """Millimetres a unit of the drawings, which stand side by side."""
    count = len(block.drawings)
    free = pdf.w - 2 * SIDE - GAP * (count - 1)
    return min(float(free / sum(d.width for d in block.drawings)), 0.27)


def _drawn_height(pdf: FPDF, block: Drawings) -> float:
    return max(d.height for d in block.drawings) * _scale(pdf, block)


def _drawings(pdf: FPDF, block: Drawings) -> None:
    if not block.drawings:
        return
    scale, height = _scale(pdf, block), _drawn_height(pdf, block)
    _room(pdf, height)
    left, top = SIDE, pdf.get_y()
    for drawing in block.drawings:
        for mark in drawing.marks:
            _mark(pdf, mark, left, top, scale)
        left += drawing.width * scale + GAP
    pdf.set_draw_color(*INKS["grid"])
    pdf.set_line_width(0.2)
    pdf.set_xy(SIDE, top + height + 1)


def _mark(pdf: FPDF, mark: Mark, left: float, top: float, scale: float) -> None:
    colour = INKS[mark.ink]
    if isinstance(mark, Label):
        _label(pdf, mark, left, top, scale)
        return
    pdf.set_draw_color(*colour)
    pdf.set_fill_color(*colour)
    if isinstance(mark, Stroke):
        pdf.set_line_width(mark.width * scale)
        pdf.set_dash_pattern(dash=0.5, gap=0.5) if mark.dotted else pdf.set_dash_pattern()
        ends = (mark.x1, mark.y1, mark.x2, mark.y2)
        x1, y1, x2, y2 = (value * scale for value in ends)
        pdf.line(left + x1, top + y1, left + x2, top + y2)
        pdf.set_dash_pattern()
        return
    assert isinstance(mark, Box)
    pdf.set_line_width(scale)
    style = "F" if mark.filled else "D"
    width, height = mark.width * scale, mark.height * scale
    pdf.rect(left + mark.x * scale, top + mark.y * scale, width, height, style=style)


def _label(pdf: FPDF, mark: Label, left: float, top: float, scale: float) -> None:
    pdf.set_font("Inter", "B" if mark.bold else "", mark.size * scale * 72 / 25.4)
    pdf.set_text_color(*INKS[mark.ink])
    text = known(mark.text)
    wide = pdf.get_string_width(text)
    back = {"start": 0.0, "middle": wide / 2, "end": wide}[mark.anchor]
    pdf.text(left + mark.x * scale - back, top + mark.y * scale, text)
