"""The routes of the resources: from a request to the arguments of a function, and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time
from email.utils import format_datetime
from functools import cache
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response

from app.api import answering, kept, paging
from app.api.bodies import json_object
from app.api.callers import address_of, authorised
from app.api.once import once_each
from app.api.resources import checks, companies, data, market, trading
from app.api.resources.kernel import RESOURCES, ApiResource, Retirement, resource
from core.domain.access.principals import Principal
from core.errors import UsageError
from core.service import current
from core.service.kernel import access

MODULES = (data, companies, market, trading, checks)  # each declares its resources
PREFIX = "/v1"
Who = Annotated[Principal, Depends(authorised)]
_ABOUT_LISTS = ("limit", "cursor", "fields")


def routes() -> APIRouter:
    """A route for every resource."""
    router = APIRouter(prefix=PREFIX)
    for found in RESOURCES.values():
        router.add_api_route(
            found.path, _endpoint(found), methods=[found.method], include_in_schema=False
        )
    return router


def _endpoint(found: ApiResource) -> Callable[..., Awaitable[Response]]:
    acts = found.kind == "act"

    async def endpoint(request: Request, who: Who) -> Response:
        desk = current.desk()
        with access.acting(who):  # before anything is said of what was asked
            access.require(desk, found.entry.role, found.name)
        mark = found.mark(desk) if found.mark else None  # before it is read
        given = await _of_act(found, request) if acts else _of_query(found, request)
        wish = _wish(found, request, given)

        def work() -> Response:
            result = resource.run(desk, found.name, given)
            return answering.answer_of(desk, found, result, wish)

        async def done() -> Response:
            return await anyio.to_thread.run_sync(work)

        with access.acting(who):
            answer = await (once_each(desk, request, who, done) if acts else done())
        following = answer.headers.get("x-openbell-next")
        if following:
            url = address_of(request).include_query_params(cursor=following)
            answer.headers["Link"] = f'<{url}>; rel="next"'
        if (found.stored or mark is not None) and found.retired is None:
            kept.keep(request.scope, answer, kept.Lasting(found.mark, mark))
        return _with_retirement(answer, found.retired)

    return endpoint


def _wish(found: ApiResource, request: Request, given: dict[str, Any]) -> answering.Wish:
    query = request.query_params
    mark = paging.mark_of(found.path, {**given, **request.path_params})
    return answering.Wish(
        answering.media_of(request.headers.get("accept", ""), answering.media_for(found)),
        answering.fields_of(query.get("fields")) if found.kind != "act" else (),
        paging.asked(query.get("limit"), query.get("cursor"), mark),
        request.headers.get("if-none-match", ""),
    )


@cache
def _lists(name: str) -> frozenset[str]:
    """The arguments of a resource that may be given several times."""
    properties = resource.entries[name].arguments.model_json_schema()["properties"]
    return frozenset(field for field, schema in properties.items() if _is_list(schema))


def _is_list(schema: dict[str, Any]) -> bool:
    return any(way.get("type") == "array" for way in (schema, *schema.get("anyOf", ())))


def _of_query(found: ApiResource, request: Request) -> dict[str, Any]:
    """Arguments from path and query; UsageError for an unknown one, or one given twice."""
    given: dict[str, Any] = dict(request.path_params)
    query, lists = request.query_params, _lists(found.name)
    known = set(found.entry.arguments.model_fields) - set(found.in_path)
    for name in query:
        if name in paged(found):
            continue
        values = query.getlist(name)
        if name not in known or (len(values) > 1 and name not in lists):
            told = "is given twice" if name in known else "is no parameter here"
            raise UsageError(f"{name[:60]} {told}", fields=[(name[:60], told)])
        given[name] = values if name in lists else values[0]
    return given


def paged(found: ApiResource) -> tuple[str, ...]:
    """The parameters that every resource of that kind takes."""
    kind = "list" if found.pages else found.kind
    return {"list": _ABOUT_LISTS, "document": ("fields",), "act": ()}[kind]


async def _of_act(found: ApiResource, request: Request) -> dict[str, Any]:
    """Arguments from path and body; what stands in the path may not stand in the body, too."""
    body = await json_object(request)
    twice = set(body) & set(found.in_path)
    if twice or request.query_params:
        raise UsageError(f"{', '.join(twice) or 'the query'} cannot be given here")
    return {**body, **request.path_params}


def _with_retirement(answer: Response, retired: Retirement | None) -> Response:
    """What is on its way out says so: since when, until when, and what to use instead."""
    if retired is not None:
        since = datetime.combine(retired.since, time(), UTC)
        ends = datetime.combine(retired.ends, time(), UTC)
        answer.headers["Deprecation"] = f"@{int(since.timestamp())}"  # RFC 9745
        answer.headers["Sunset"] = format_datetime(ends, usegmt=True)  # RFC 8594
        answer.headers.append("Link", f'<{retired.instead}>; rel="successor-version"')
    return answer
