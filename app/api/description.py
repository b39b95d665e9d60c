"""The OpenAPI document: every command and export with its arguments, and how calls are refused.

The paths are written from the registries, so that a command that is added is described, too.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.api import examples, reference
from app.api.resources.kernel import RESOURCES
from app.openbb import described as openbb
from core.service.kernel import commands, exports
from core.service.kernel.registry import UseCaseEntry

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "arrow": "application/vnd.apache.arrow.stream",
}
PROBLEM = "application/problem+json"
_REFERENCE = "#/components/schemas/{model}"
_TOKEN = "token"  # noqa: S105 - the name of the scheme
_REFUSED = {
    "401": "The token is missing or wrong.",
    "403": "The role of whoever calls is not enough.",
    "404": "Something that was named does not exist.",
    "406": "There is none of the media types that are asked for.",
    "409": "It contradicts what is under way, or what stands already.",
    "413": "The request or what it asks for is too large.",
    "422": "The arguments are not allowed, or mean nothing here.",
    "429": "Asked too often; Retry-After says when to ask again.",
    "500": "It failed; the sentence says why.",
    "503": "What it needs could not be asked, or took too long.",
}
_SCHEMES = {
    _TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of the desk, `obt_…`: made by an admin with `token add`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "openbell_session",
        "description": "A browser that has signed in; it may read.",
    },
}
_AT_THE_GATE = {
    "400": "The desk does not answer for this host, or the request is malformed.",
    "403": "The desk does not answer pages of other sites.",
    "408": "The request did not arrive in time.",
    "413": "The request is too large.",
}
_ERROR = {
    "type": "object",
    "required": [
        "type", "title", "status", "detail", "instance", "success", "hint", "correlation_id",
        "errors", "error",
    ],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string", "description": "What the status says."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, in one sentence."},
        "instance": {"type": "string", "description": "The path that was asked."},
        "success": {"const": False},
        "hint": {"type": ["string", "null"], "description": "What to do."},
        "correlation_id": {"type": ["string", "null"], "description": "What its log lines bear."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "error": {
            "type": "object",
            "required": ["type", "kind", "message", "where", "hint", "exit_code"],
            "properties": {
                "type": {"type": "string", "description": "The class in the tree of errors."},
                "kind": {"type": "string"},
                "message": {"type": "string"},
                "where": {"type": ["string", "null"], "description": "Host and path, or file."},
                "hint": {"type": ["string", "null"]},
                "exit_code": {"enum": [1, 2], "description": "What a command leaves with."},
            },
        },
    },
    "example": {
        "type": "/api/docs#NotFoundError", "title": "Not Found", "status": 404,
        "detail": "nothing is known of CIK 1", "instance": "/api/v1/companies/1",
        "success": False, "hint": "follow it: python -m app watch add 1",
        "correlation_id": "4f2a9c0de1b34857", "errors": [],
        "error": {"type": "NotFoundError", "kind": "does not exist",
                  "message": "nothing is known of CIK 1", "where": None,
                  "hint": "follow it: python -m app watch add 1", "exit_code": 2},
    },
}  # fmt: skip
_RESULT = {
    "type": "object",
    "required": ["document", "exit_code"],
    "properties": {
        "document": {"description": "What the command prints with --json."},
        "exit_code": {"enum": [0, 1, 2, 3]},
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _document(app)
    return app.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas: dict[str, Any] = {"Error": _ERROR, "Result": _RESULT, "Meta": reference.META_SCHEMA}
    for entry in commands.command.entries.values():
        body = reference.arguments(entry, schemas)
        operation = _operation("command", entry, body, _needs(entry), _json_of("Result"))
        made["paths"][f"/v1/commands/{entry.name}"] = {"post": operation}
    for entry in exports.export.entries.values():
        body = _exported(entry, schemas)
        operation = _operation("export", entry, body, _needs(entry), _files())
        made["paths"][f"/v1/exports/{entry.name}"] = {
            "post": operation,
            "get": _fetched(entry, schemas),
        }
    for found in RESOURCES.values():
        path = made["paths"].setdefault(f"/v1{found.path}", {})
        path[found.method.lower()] = reference.operation(found, schemas)
    made["paths"] |= openbb.operations(schemas)
    made["paths"]["/v1/commands"]["get"]["security"] = [{_TOKEN: []}]
    for path, methods in made["paths"].items():
        for operation in methods.values():
            _refusals(operation, known=path.startswith(("/v1/", "/openbb/")))
    made["components"] = {
        "schemas": schemas,
        "securitySchemes": _SCHEMES,
    }
    examples.put(made)
    return made


def _needs(entry: UseCaseEntry) -> bool:
    return any(field.is_required() for field in entry.arguments.model_fields.values())


def _exported(entry: UseCaseEntry, schemas: dict[str, Any]) -> dict[str, Any]:
    filters = reference.arguments(entry, schemas)
    return {
        "type": "object",
        "properties": {"format": {"enum": list(MEDIA), "default": "csv"}, "filters": filters},
        "required": ["filters"] if _needs(entry) else [],
        "additionalProperties": False,
    }


def _fetched(entry: UseCaseEntry, schemas: dict[str, Any]) -> dict[str, Any]:
    """The same export by GET: format and filters in the query."""
    body = reference.arguments(entry, schemas)
    fmt = {"enum": list(MEDIA), "default": "csv"}
    parameters = [{"name": "format", "in": "query", "required": False, "schema": fmt}]
    parameters += [
        {
            "name": name,
            "in": "query",
            "required": name in body.get("required", ()),
            "schema": reference.in_query(one),
        }
        for name, one in body.get("properties", {}).items()
    ]
    return {
        "operationId": f"get_export_{entry.name}",
        "tags": ["exports"],
        "summary": entry.summary,
        "security": [{_TOKEN: []}],
        "parameters": parameters,
        "responses": {"200": {"description": "The file.", "content": _files()}},
    }


def _operation(
    kind: str, entry: UseCaseEntry, body: dict[str, Any], needed: bool, content: dict[str, Any]
) -> dict[str, Any]:
    return {
        "operationId": f"{kind}_{entry.name}",
        "tags": [f"{kind}s"],
        "summary": entry.summary,
        "security": [{_TOKEN: []}],
        "requestBody": {"required": needed, "content": {"application/json": {"schema": body}}},
        "responses": {"200": {"description": "Done.", "content": content}},
    }


def _problem() -> dict[str, Any]:
    return {PROBLEM: {"schema": {"$ref": _REFERENCE.format(model="Error")}}}


def _json_of(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=name)}}}


def _files() -> dict[str, Any]:
    return {media: {"schema": {}} for media in MEDIA.values()}


def _refusals(operation: dict[str, Any], *, known: bool) -> None:
    """Add the ways a call is refused, by the desk and at the gate: a problem each time."""
    answers = operation["responses"]
    refused = _REFUSED if known else {}
    for status in sorted({*refused, *_AT_THE_GATE}):
        sentence = refused.get(status) or _AT_THE_GATE[status]
        if status in refused or status not in answers:
            answers[status] = {"description": sentence, "content": _problem()}
