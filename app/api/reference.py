"""What the OpenAPI document says of each resource: parameters, bodies, answers, examples."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from app.api import paging
from app.api.answering import TABLES
from app.api.following import links
from app.api.once import AGAIN
from app.api.resources.kernel import ApiResource
from core.service import bounds
from core.service.kernel import once
from core.service.kernel.registry import UseCaseEntry

REFERENCE = "#/components/schemas/{model}"
META = {
    "as_of": "2026-11-25T14:35:00Z",
    "data_until": "2026-11-25",
    "simulated": False,
    "ruleset": "2026.4",
    "next": None,
}
META_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": list(META),
    "properties": {
        "as_of": {"type": "string", "format": "date-time", "description": "Told as of then."},
        "data_until": {"type": ["string", "null"], "description": "What the data reach up to."},
        "simulated": {"type": "boolean"},
        "ruleset": {"type": "string", "description": "The rules of grades."},
        "next": {"type": ["string", "null"], "description": "The cursor of the next page."},
    },
}
_PAGE: dict[str, tuple[dict[str, Any], str]] = {
    "limit": (
        {"type": "integer", "minimum": 1, "maximum": paging.MOST, "default": paging.LIMIT},
        "rows of one page",
    ),
    "cursor": ({"type": "string"}, "what `meta.next` of the page before said"),
    "fields": ({"type": "string"}, "names of the fields that are wanted, with commas"),
}


class AsRead(GenerateJsonSchema):
    """Schemas of what is accepted: numbers, dates and truth values are read from texts, too."""

    def int_schema(self, schema: Any) -> Any:
        """Whole numbers, also as text."""
        return _also(super().int_schema(schema), "number", "string", "boolean")

    def float_schema(self, schema: Any) -> Any:
        """Numbers, also as text."""
        return _also(super().float_schema(schema), "string", "boolean")

    def decimal_schema(self, schema: Any) -> Any:
        """Amounts, as numbers or text."""
        return _also(super().decimal_schema(schema), "boolean")

    def bool_schema(self, schema: Any) -> Any:
        """Truth values, also as 0, 1, yes, no."""
        return _also(super().bool_schema(schema), "number", "string")

    def date_schema(self, schema: Any) -> Any:
        """ISO dates, also as seconds since 1970."""
        return _also(super().date_schema(schema), "number", "string")

    def datetime_schema(self, schema: Any) -> Any:
        """ISO instants, also as seconds since 1970."""
        return _also(super().datetime_schema(schema), "number", "string")


def _also(first: Any, *kinds: str) -> Any:
    return {"anyOf": [first, *({"type": kind} for kind in kinds)]}


def arguments(entry: UseCaseEntry, schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of an entry's arguments; what it refers to goes to the shared ones."""
    schema = entry.arguments.model_json_schema(ref_template=REFERENCE, schema_generator=AsRead)
    schemas.update(schema.pop("$defs", {}))
    for name, asked in schema.get("properties", {}).items():
        _bound(asked, bounds.longest(name))
    return schema


def _bound(schema: dict[str, Any], most: int) -> None:
    """Say how many letters a text may have, also one in a list; numbers bound themselves."""
    if schema.get("type") == "string" and not schema.keys() & {"enum", "const", "format"}:
        schema.setdefault("maxLength", most)
    ways = schema.get("anyOf", ())
    if {way.get("type") for way in ways} <= {"string", "array", "null"}:
        for way in ways:
            _bound(way, most)
    if isinstance(items := schema.get("items"), dict):
        _bound(items, most)


def operation(found: ApiResource, schemas: dict[str, Any]) -> dict[str, Any]:
    """One resource as an operation of the document."""
    body = arguments(found.entry, schemas)
    made: dict[str, Any] = {
        "operationId": found.entry.function.__name__,
        "tags": [found.path.split("/")[1]],
        "summary": found.entry.summary,
        "description": f"Needs the role {found.entry.role}.",
        "security": [{"token": []}],
        "parameters": _parameters(found, body),
        "responses": {str(found.status): _answer(found)},
    }
    if found.retired:
        made["deprecated"] = True
    if found.kind == "act":
        made["parameters"].append(_KEY)
        if found.method == "POST":
            made["requestBody"] = _body(found, body)
    else:
        made["parameters"].append(_TAG)
        made["responses"]["304"] = {"description": "It is as the tag that was given says."}
    return made


_NAME = {"minLength": 1, "pattern": "^[!-.0-~]+$"}  # of what a path names: no blank, no slash
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Done once for each key; the same call again gets the same answer.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": once.LONGEST,
        "pattern": once.PATTERN,
    },
}
_TAG = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of an answer that is kept; anything else is answered anew.",
    "schema": {"type": "string"},
}


def _parameters(found: ApiResource, body: dict[str, Any]) -> list[dict[str, Any]]:
    made = []
    for name, schema in body.get("properties", {}).items():
        if name in found.in_path:
            named = {**schema, **_NAME} if schema.get("type") == "string" else schema
            made.append({"name": name, "in": "path", "required": True, "schema": named})
        elif found.kind != "act":
            needed = name in body.get("required", ())
            shown = in_query(schema)
            made.append({"name": name, "in": "query", "required": needed, "schema": shown})
    kind = "list" if found.pages else found.kind
    shared = {"list": _PAGE, "document": {"fields": _PAGE["fields"]}, "act": {}}[kind]
    made += [
        {"name": name, "in": "query", "required": False, "description": said, "schema": schema}
        for name, (schema, said) in shared.items()
    ]
    return made


def in_query(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter in a query, where nothing can be null: it is left out instead."""
    ways = [way for way in schema.get("anyOf", ()) if way.get("type") != "null"]
    if len(ways) == len(schema.get("anyOf", ())):
        return schema
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    return {**kept, **(ways[0] if len(ways) == 1 else {"anyOf": ways})}


def _body(found: ApiResource, body: dict[str, Any]) -> dict[str, Any]:
    given = {k: v for k, v in body.get("properties", {}).items() if k not in found.in_path}
    needed = [name for name in body.get("required", ()) if name not in found.in_path]
    schema = {**body, "properties": given, "required": needed}
    media: dict[str, Any] = {"schema": schema}
    if found.body_example:
        media["example"] = dict(found.body_example)
    return {"required": bool(needed), "content": {"application/json": media}}


def _answer(found: ApiResource) -> dict[str, Any]:
    row = {"type": "object"}
    data = {"type": "array", "items": row} if found.kind == "list" else row
    schema = {
        "type": "object",
        "required": ["success", "data", "meta"],
        "properties": {
            "success": {"const": True},
            "data": data,
            "meta": {"$ref": REFERENCE.format(model="Meta")},
        },
    }
    example = {"success": True, "data": found.example, "meta": META}
    content: dict[str, Any] = {"application/json": {"schema": schema, "example": example}}
    if found.kind != "act":
        content.update({media: {"schema": {}} for media in TABLES})
        content["text/csv; charset=utf-8"] = content.pop("text/csv")
    headers = _ACTED if found.kind == "act" else _READ
    made: dict[str, Any] = {"description": "Done.", "content": content, "headers": headers}
    if led := links(found.entry.function.__name__):
        made["links"] = led
    return made


_TEXT = {"type": "string"}
_ACTED = {
    AGAIN: {"description": "`true`: it was done before.", "schema": _TEXT},
    "Location": {"description": "Where what was made is.", "schema": _TEXT},
}
_READ = {
    "ETag": {"description": "Changes with what is answered.", "schema": _TEXT},
    "Link": {"description": 'The next page, as `rel="next"`.', "schema": _TEXT},
}
