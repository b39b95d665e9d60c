"""Examples in the OpenAPI document: recorded of a scratch desk, shortened, kept in examples.json.

`python -m tests.api_examples` records them anew; an operation that has one of its own keeps it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson

KEPT = Path(__file__).with_name("examples.json")
JSON = "application/json"
_FETCHED = "get_export_"
_SHARED = "#/components/examples/{name}"


@cache
def kept() -> dict[str, dict[str, Any]]:
    """Operation -> `body` that was sent, if any, and `answers` by media type."""
    found: dict[str, dict[str, Any]] = orjson.loads(KEPT.read_bytes())
    return found


def put(document: dict[str, Any]) -> None:
    """Give each operation of the document the example that is kept of it.

    What POST and GET of an export answer is the same: it stands once, among the components.
    """
    shared = document["components"].setdefault("examples", {})
    for methods in document["paths"].values():
        for operation in methods.values():
            name = operation["operationId"]
            fetched = name.startswith(_FETCHED)
            found = kept().get(f"export_{name.removeprefix(_FETCHED)}" if fetched else name)
            if found:
                _asked(operation, found.get("body"))
                _answered(operation, found["answers"], shared)


def of_answer(answer: dict[str, Any], document: dict[str, Any]) -> Any:
    """The JSON that an answer shows as its example; None without one."""
    media = answer.get("content", {}).get(JSON, {})
    for one in media.get("examples", {}).values():
        name = one["$ref"].rpartition("/")[2]
        return document["components"]["examples"][name]["value"]
    return media.get("example")


def _asked(operation: dict[str, Any], body: dict[str, Any] | None) -> None:
    """The body that was sent; where there is none, its filters as parameters of the query."""
    sent = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if sent is not None and body:
        sent["example"] = body
    given = (body or {}).get("filters", {})
    for parameter in operation.get("parameters", ()) if sent is None else ():
        if parameter["in"] == "query" and parameter["name"] in given:
            parameter["example"] = given[parameter["name"]]


def _answered(operation: dict[str, Any], answers: dict[str, Any], shared: dict[str, Any]) -> None:
    contents = [a.get("content", {}) for code, a in operation["responses"].items() if code < "3"]
    for media, value in answers.items():
        for content in contents:
            if media in content and "exports" in operation.get("tags", ()):
                name = _name(operation, media)
                shared[name] = {"value": value}
                content[media]["examples"] = {"answer": {"$ref": _SHARED.format(name=name)}}
            elif media in content:
                content[media]["example"] = value


def _name(operation: dict[str, Any], media: str) -> str:
    what = operation["operationId"].removeprefix(_FETCHED).removeprefix("export_")
    kind = media.partition(";")[0].rpartition("/")[2]
    return f"{what}.{kind}"
