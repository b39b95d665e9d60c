"""The page that shows what the API can do, made here of its own description: no script, no CDN."""

from __future__ import annotations

import html
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.api import examples
from core.errors import tree

_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:13px/1.45 ui-monospace,monospace}pre{overflow-x:auto;padding:.6rem;border-radius:6px;
background:#f3f4f6}summary{cursor:pointer;padding:.3rem 0}table{border-collapse:collapse}
td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}b.m{display:inline-block;
width:4.2rem}@media(prefers-color-scheme:dark){body{background:#111;color:#eee}
pre{background:#1d1f24}a{color:#8ab4f8}}"""
_INTRODUCTION = """<p>Everything is below <code>/api/v1</code>. Send
<code>Authorization: Bearer obt_…</code>. An answer is
<code>{"success": true, "data": …, "meta": …}</code>; a refusal is a problem document (RFC 9457).
Lists come in pages: <code>?limit=</code> up to 1,000, then <code>?cursor=</code> with
<code>meta.next</code>. <code>Accept</code> gives them as CSV, Parquet or Arrow. What acts takes an
<code>Idempotency-Key</code>. The whole description: <a href="openapi.json">openapi.json</a>.</p>"""


async def page(request: Request) -> Response:
    """The page, from the description of the application that serves it."""
    return HTMLResponse(written(request.app.openapi()), headers={"Cache-Control": "no-cache"})


def written(described: dict[str, Any]) -> str:
    """The description as a page of HTML."""
    areas: dict[str, list[str]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", ["desk"])[0]
            areas.setdefault(tag, []).append(_operation(path, method, operation, described))
    links = " · ".join(f'<a href="#{_text(name)}">{_text(name)}</a>' for name in areas)
    parts = [f'<h2 id="{_text(n)}">{_text(n)}</h2>{"".join(rows)}' for n, rows in areas.items()]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Openbell API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<main><h1>Openbell API v1</h1>{_INTRODUCTION}<nav>{links}</nav>{''.join(parts)}"
        f"{_errors()}</main></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any], described: dict[str, Any]) -> str:
    old = " <em>deprecated</em>" if operation.get("deprecated") else ""
    summary = _text(operation.get("summary", ""))
    rows = [_parameter(item) for item in operation.get("parameters", ())]
    table = f"<table><tr><th>Parameter<th>In<th>Type<th></tr>{''.join(rows)}</table>"
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    every = (examples.of_answer(one, described) for one in operation["responses"].values())
    shown = next((example for example in every if example is not None), None)
    return (
        f'<details id="{_text(operation["operationId"])}"><summary><b class="m">{method.upper()}'
        f"</b><code>/api{_text(path)}</code>{old}<br>{summary}</summary>"
        f"<p>{_text(operation.get('description', ''))}</p>{table if rows else ''}"
        f"{_shown('Body', body.get('example') or body.get('schema'))}"
        f"{_shown('Answer', shown)}</details>"
    )


def _parameter(item: dict[str, Any]) -> str:
    must = " (needed)" if item.get("required") else ""
    said = _text(item.get("description", ""))
    kind = _text(_kind(item["schema"]))
    return f"<tr><td><code>{_text(item['name'])}</code><td>{item['in']}<td>{kind}{must}<td>{said}"


def _kind(schema: dict[str, Any]) -> str:
    """What may be given, in a few words."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    first = next((way for way in schema.get("anyOf", ()) if way.get("type") != "null"), None)
    if first is not None:
        return _kind(first)
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    return str(schema.get("format") or schema.get("type") or "any")


def _shown(title: str, content: Any) -> str:
    if content is None:
        return ""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    return f"<p>{title}</p><pre>{_text(text)}</pre>"


def _errors() -> str:
    rows = [
        f'<tr id="{kind.__name__}"><td><code>{kind.__name__}</code><td>{_text(_first(kind))}'
        for kind in tree()
    ]
    return f'<h2 id="errors">What goes wrong</h2><table>{"".join(rows)}</table>'


def _first(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]


def _text(value: str) -> str:
    return html.escape(value, quote=True)
