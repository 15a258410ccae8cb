"""/docs and /redoc: the API for people, from /openapi.json. Self-contained, so it works offline.

FastAPI's own pages load their viewer from the internet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code{font:13px ui-monospace,monospace}
summary{cursor:pointer;padding:.3rem 0}
summary b{display:inline-block;width:3.5rem}
table{border-collapse:collapse;margin:.5rem 0 1rem}
td,th{text-align:left;vertical-align:top;padding:.15rem .8rem .15rem 0;
border-bottom:1px solid #8884}
details>div{margin-left:1rem}
@media (prefers-color-scheme:dark){body{background:#18181b;color:#e4e4e7}a{color:#8ab4f8}}
"""


def docs_router() -> APIRouter:
    """The two addresses of the page."""
    router = APIRouter()
    router.add_api_route("/docs", _docs, methods=["GET"], include_in_schema=False)
    router.add_api_route("/redoc", _docs, methods=["GET"], include_in_schema=False)
    return router


def _docs(request: Request) -> HTMLResponse:
    return HTMLResponse(render(request.app.openapi()))


def render(schema: Mapping[str, Any]) -> str:
    """The page for an OpenAPI 3.1 schema."""
    title = escape(schema["info"]["title"])
    calls = "".join(_calls(schema))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title} API</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style><h1>{title} API</h1>"
        '<p>JSON in, JSON out. For programs: <a href="openapi.json">openapi.json</a>.</p>'
        f"{calls}</html>"
    )


def _calls(schema: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in schema["paths"].items():
        for method, call in methods.items():
            about = escape(call.get("description") or call.get("summary") or "")
            tables = _body(schema, call) + _answer(schema, call)
            yield (
                f"<details><summary><b>{escape(method.upper())}</b> <code>{escape(path)}</code> "
                f"{about}</summary><div>{tables}</div></details>"
            )


def _body(schema: Mapping[str, Any], call: Mapping[str, Any]) -> str:
    content = call.get("requestBody", {}).get("content", {})
    return _fields(schema, "Request", content.get("application/json", {}).get("schema", {}))


def _answer(schema: Mapping[str, Any], call: Mapping[str, Any]) -> str:
    content = call.get("responses", {}).get("200", {}).get("content", {})
    return _fields(schema, "Answer", content.get("application/json", {}).get("schema", {}))


def _fields(schema: Mapping[str, Any], heading: str, shape: Mapping[str, Any]) -> str:
    """A table of an object's fields; for other shapes their type alone."""
    name = _type(shape)
    model = _model(schema, shape)
    rows = "".join(
        f"<tr><td><code>{escape(key)}</code><td>{escape(_type(field))}"
        f"<td><code>{escape(_default(field))}</code><td>{escape(field.get('description', ''))}"
        for key, field in model.get("properties", {}).items()
    )
    table = f"<table><tr><th>Field<th>Type<th>Default<th>{rows}</table>" if rows else ""
    return f"<h4>{heading}: {escape(name)}</h4>{table}" if shape else ""


def _model(schema: Mapping[str, Any], shape: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = shape.get("items", shape)
    name = inner.get("$ref", "").rsplit("/", 1)[-1]
    found: Mapping[str, Any] = schema.get("components", {}).get("schemas", {}).get(name, {})
    return found


def _type(shape: Mapping[str, Any]) -> str:
    if "$ref" in shape:
        return str(shape["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in shape:
        return " or ".join(_type(one) for one in shape["anyOf"])
    if shape.get("type") == "array":
        return f"list of {_type(shape.get('items', {}))}"
    return str(shape.get("type", "any"))


def _default(field: Mapping[str, Any]) -> str:
    return json.dumps(field["default"], ensure_ascii=False) if "default" in field else ""
