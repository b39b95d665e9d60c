"""Answers of resources: one envelope, chosen fields, entity tags, and tables by `Accept`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

import polars as pl
import xxhash
from fastapi import Response

from app.api import envelope, paging
from app.api.envelope import JSON
from app.api.problems import NotAcceptableError
from app.api.resources.kernel import ApiResource, ResourceAnswer
from core.domain.quality.model import default_ruleset
from core.errors import UsageError
from core.service.desk import Desk
from core.service.kernel import exports
from core.service.pulls import reach

TABLES = {
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.apache.arrow.stream": "arrow",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """How an answer is wanted: media type, fields (empty: all), page, and the tag it has kept."""

    media: str
    fields: Sequence[str]
    page: paging.PageAsk
    kept: str = ""


class EnvelopeResponse(Response):
    """An answer in JSON, and what it says apart from its instant."""

    said: envelope.Said | None = None


def media_of(accept: str, there: Sequence[str]) -> str:
    """The media type that is asked for and there; NotAcceptableError without one."""
    wanted = sorted(_ranges(accept or "*/*"), key=lambda item: -item[1])
    for kind, quality in wanted:
        fitting = [m for m in there if kind in ("*/*", m, f"{m.split('/')[0]}/*")]
        if quality > 0 and fitting:
            return fitting[0]
    raise NotAcceptableError(f"there is no {accept[:100]} of this", hint=f"ask for {JSON}")


def media_for(found: ApiResource) -> list[str]:
    """The media types in which a resource answers."""
    return [JSON] if found.kind == "act" else [JSON, *TABLES]


def _ranges(accept: str) -> list[tuple[str, float]]:
    found = []
    for part in accept.split(","):
        kind, *options = [piece.strip().lower() for piece in part.split(";")]
        quality = next((o[2:] for o in options if o.startswith("q=")), "1")
        try:
            found.append((kind, float(quality)))
        except ValueError:
            continue
    return found


def answer_of(desk: Desk, found: ApiResource, result: Any, wish: Wish) -> Response:
    """The answer of a resource from what its function gave."""
    if found.kind == "list":
        frame, held = result.page(wish.page)
        answer, rows = ResourceAnswer(None, frame, next=held), True
    else:
        answer = result if isinstance(result, ResourceAnswer) else ResourceAnswer(result)
        answer, rows = _page_of(answer, wish.page) if answer.paged else answer, False
    cursor = paging.cursor_of(answer.next, wish.page.list_mark)
    meta = meta_of(desk, about=found.about, as_of=answer.as_of, cursor=cursor)
    if wish.media in TABLES:
        return _table(answer, wish, meta, desk)
    frame = answer.frame
    data = _chosen_rows(frame, wish.fields) if rows and frame is not None else answer.data
    if not rows:
        data = _chosen_keys(data, wish.fields)
    made = _json(data, meta, _end_of(answer.as_of), wish.kept, found.status)
    if answer.location:
        made.headers["Location"] = answer.location
    if cursor:
        made.headers["X-Openbell-Next"] = cursor
    return made


def of_rows(
    desk: Desk, rows: list[dict[str, Any]], frame: pl.DataFrame, wish: Wish, cursor: str | None
) -> Response:
    """A page of a list that is held as documents; `frame` has the same rows, for tables."""
    meta = meta_of(desk, cursor=cursor)
    if wish.media in TABLES:
        return _table(ResourceAnswer(None, frame), wish, meta, desk)
    if wish.fields:
        _must_be_known(wish.fields, frame.columns)
        rows = [{name: row[name] for name in wish.fields} for row in rows]
    return _json(rows, meta, None, wish.kept, 200)


def _page_of(whole: ResourceAnswer, ask: paging.PageAsk) -> ResourceAnswer:
    """A document with one page of its list; the list and the frame have the same rows."""
    assert whole.frame is not None
    items = whole.data[whole.paged]
    numbered = whole.frame.with_row_index("_place")
    rows, held = paging.Rows(numbered, ["session", "symbol"]).page(ask)
    shown = [items[place] for place in rows["_place"]]
    data = {**whole.data, whole.paged: shown}
    return replace(whole, data=data, frame=rows.drop("_place"), next=held)


def meta_of(
    desk: Desk, *, about: str | None = None, as_of: date | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """What the envelope of an answer says beside its data; `about` is the dataset it rests on."""
    return {
        "as_of": _end_of(as_of) or desk.now(),
        "data_until": data_until(desk, about),
        "simulated": desk.settings.simulated,
        "ruleset": default_ruleset().id,
        "next": cursor,
    }


def _end_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(23, 59, 59), UTC)


def data_until(desk: Desk, name: str | None) -> date | datetime | None:
    """What the rows of a dataset reach up to; None where that means nothing."""
    dataset = desk.catalogue.datasets.get(name) if name else None
    return reach.until(desk, dataset) if dataset else None


def _json(
    data: Any, meta: Mapping[str, Any], as_of: datetime | None, kept: str, status: int
) -> EnvelopeResponse:
    said = envelope.said(data, {**meta, "as_of": as_of})
    headers = {"ETag": said.tag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
    if status == 200 and envelope.matches(kept, said.tag):
        made = EnvelopeResponse(None, 304, headers)
    else:
        made = EnvelopeResponse(said.whole(meta["as_of"]), status, headers, media_type=JSON)
    made.said = said
    return made


def _table(answer: ResourceAnswer, wish: Wish, meta: Mapping[str, Any], desk: Desk) -> Response:
    if answer.frame is None:
        raise NotAcceptableError("there is no table of this", hint=f"ask for {JSON}")
    frame = answer.frame
    if wish.fields:
        _must_be_known(wish.fields, frame.columns)
        frame = frame.select(wish.fields)
    frame = exports.labelled(frame) if desk.settings.simulated else frame
    fmt = TABLES[wish.media]
    content = exports.encode(exports.flat(frame) if fmt == "csv" else frame, fmt)
    tag = f'W/"{xxhash.xxh3_128_hexdigest(content)}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
    headers["X-Openbell-As-Of"] = _text(meta["as_of"])
    if meta["data_until"] is not None:
        headers["X-Openbell-Data-Until"] = _text(meta["data_until"])
    if meta["next"]:
        headers["X-Openbell-Next"] = meta["next"]
    if envelope.matches(wish.kept, tag):
        return Response(None, 304, headers)
    media = f"{wish.media}; charset=utf-8" if wish.media == "text/csv" else wish.media
    return Response(content, headers=headers, media_type=media)


def _text(value: date | datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _chosen_rows(frame: pl.DataFrame, fields: Sequence[str]) -> list[dict[str, Any]]:
    if fields:
        _must_be_known(fields, frame.columns)
        frame = frame.select(fields)
    return frame.to_dicts()


def _chosen_keys(data: Any, fields: Sequence[str]) -> Any:
    if not fields or not isinstance(data, dict):
        return data
    _must_be_known(fields, list(data))
    return {name: data[name] for name in fields}


def _must_be_known(fields: Sequence[str], known: Sequence[str]) -> None:
    for name in fields:
        if name not in known:
            message = f"there is no field {name[:60]!r}"
            hint = f"there are: {', '.join(known)}"
            raise UsageError(message, hint=hint, fields=[("fields", message)])


def fields_of(given: str | None) -> list[str]:
    """The names in `fields=a,b`, each once."""
    names = [name.strip() for name in (given or "").split(",")]
    return list(dict.fromkeys(name for name in names if name))
