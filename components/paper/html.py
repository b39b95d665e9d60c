"""A sheet as one HTML file without a request to anywhere, or as a part of a page."""

from __future__ import annotations

import base64
from html import escape

from components.paper.drawing import Drawing, svg
from components.paper.sheet import (
    Block,
    Drawings,
    Grid,
    Heading,
    Kept,
    Line,
    Paragraph,
    Sheet,
    Text,
    piece,
)

_STYLE = """
.sheet { {colors}
  font: 13px/1.45 Inter, system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.sheet h1 { font-size: 22px; margin: 0 0 2px; } .sheet h2 { font-size: 16px; margin: 22px 0 6px;
  border-bottom: 1px solid var(--grid); padding-bottom: 3px; }
.sheet h3 { font-size: 14px; margin: 14px 0 4px; } .sheet p { margin: 3px 0; }
.sheet table { border-collapse: collapse; width: 100%; margin: 4px 0 8px; }
.sheet thead { display: table-header-group; } .sheet .across { overflow-x: auto; }
.sheet .across :is(th, td) { overflow-wrap: normal; word-break: normal; }
.sheet td > span > strong { white-space: nowrap; }
.sheet th { font-weight: 600; color: var(--quiet); font-size: 12px; }
.sheet th, .sheet td { border: 0; border-bottom: 1px solid var(--grid); padding: 3px 8px 3px 0;
  text-align: left; vertical-align: top; overflow-wrap: anywhere; }
.sheet .right { text-align: right; white-space: nowrap; } .sheet a { color: var(--link); }
.sheet .up { color: var(--up); } .sheet .down { color: var(--down); }
.sheet .amber { color: var(--amber); } .sheet .red { color: var(--red); }
.sheet .quiet { color: var(--quiet); }
.sheet .drawings { display: flex; flex-wrap: wrap; gap: 16px; }
.sheet .drawing, .sheet img { flex: 1 1 300px; min-width: 0; max-width: min(100%, 680px);
  height: auto;
  font-family: Inter, system-ui, sans-serif; }
{inks}
.sheet footer { margin-top: 24px; color: var(--quiet); font-size: 12px; }
.sheet .kept, .sheet tr { break-inside: avoid; } .sheet h2, .sheet h3 { break-after: avoid; }
"""
INKS = """
.s-up { stroke: var(--up); } .f-up { fill: var(--up); } .s-down { stroke: var(--down); }
.f-down { fill: var(--down); } .s-ink { stroke: currentColor; } .f-ink { fill: currentColor; }
.s-quiet { stroke: var(--quiet); } .f-quiet { fill: var(--quiet); } .s-grid { stroke: var(--grid); }
.f-grid { fill: var(--grid); } .f-shade { fill: var(--shade); } .s-shade { stroke: var(--shade); }
.s-accent { stroke: #1f5fbf; } .f-accent { fill: #1f5fbf; }
"""
LIGHT = """--up: #1f6fc4; --down: #c2551d; --amber: #a86200; --red: #b3361b; --quiet: #5c6878;
  --grid: #c9d0da; --shade: #eef2f7; --link: #1f5fbf; color: #16202e;"""
DARK = """--up: #5aa2ee; --down: #ef8a54; --amber: #e0a33c; --red: #f07a5e; --quiet: #a3afbf;
  --grid: #39465a; --shade: #1a2433; --link: #7db4f5; color: #e6ebf2;"""
PAGE = """
@page { size: A4; margin: 14mm 12mm 16mm; }
body { margin: 24px auto; max-width: 980px; padding: 0 16px; background: #fff; }
@media print { body { margin: 0; padding: 0; max-width: none; } }
"""


def style(*, dark: bool = False) -> str:
    """The style of a sheet; printed it is light."""
    chosen = DARK if dark else LIGHT
    whole = _STYLE.replace("{colors}", chosen).replace("{inks}", INKS)
    return f"{whole}@media print {{ .sheet {{ {LIGHT} }} }}" if dark else whole


def document(sheet: Sheet) -> str:
    """The sheet as a whole file; the same sheet is the same text."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(sheet.title)}</title><style>{style()}{PAGE}</style></head>\n"
        f"<body>{part(sheet)}</body></html>\n"
    )


def part(sheet: Sheet, *, pictures: str | None = None) -> str:
    """The sheet as a part of a page, which has its `style` too.

    With `pictures`, their inks, drawings are images of their own: some pages take no SVG.
    """
    body = "\n".join(_block(block, pictures) for block in sheet.blocks)
    return (
        f'<main class="sheet"><h1>{escape(sheet.title)}</h1><p class="quiet">{_line(sheet.under)}'
        f"</p>\n{body}\n<footer>{escape(sheet.foot)}</footer></main>"
    )


def _drawn(drawing: Drawing, pictures: str | None) -> str:
    if pictures is None:
        return svg(drawing)
    own = f"svg {{ {pictures} font-family: Inter, system-ui, sans-serif; }} {INKS}"
    encoded = base64.b64encode(svg(drawing, own).encode()).decode()
    return f'<img alt="{escape(drawing.alt)}" src="data:image/svg+xml;base64,{encoded}">'


def _block(block: Block, pictures: str | None) -> str:
    if isinstance(block, Heading):
        tag = "h2" if block.level == 1 else "h3"
        return f"<{tag}>{_line(block.line)}</{tag}>"
    if isinstance(block, Paragraph):
        return f"<p>{_line(block.line)}</p>"
    if isinstance(block, Grid):
        return _table(block)
    if isinstance(block, Drawings):
        drawn = "".join(_drawn(drawing, pictures) for drawing in block.drawings)
        return f'<div class="drawings">{drawn}</div>'
    assert isinstance(block, Kept)
    inner = "".join(_block(part, pictures) for part in block.blocks)
    return f'<section class="kept">{inner}</section>'


def _table(table: Grid) -> str:
    sides = [' class="right"' if column.side == "right" else "" for column in table.columns]
    heads = "".join(
        f'<th scope="col"{side}>{escape(column.head)}</th>'
        for side, column in zip(sides, table.columns, strict=True)
    )
    rows = "\n".join(
        "<tr>"
        + "".join(f"<td{side}>{_line([cell])}</td>" for side, cell in zip(sides, row, strict=True))
        + "</tr>"
        for row in table.rows
    )
    inner = f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>"
    return f'<div class="across"><table>{inner}</table></div>'


def _line(line: Line) -> str:
    return "".join(map(_piece, line))


def _piece(text: Text) -> str:
    words = piece(text)
    said = escape(words.text)
    if words.href.startswith("https://"):
        said = f'<a href="{escape(words.href)}">{said}</a>'
    if words.bold:
        said = f"<strong>{said}</strong>"
    return f'<span class="{words.tone}">{said}</span>' if words.tone else said
