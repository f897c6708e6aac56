"""Generate the JSON Schema of case files, which editors use: schema/case-file.schema.json."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from tf_conv_conformance.casefile.model import CaseFileModel


class _WithoutNull(GenerateJsonSchema):
    """A schema generator without null: a key has a value or is absent, as in the reader."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        made.pop("default", None)
        return made


def _untitled(value: Any) -> Any:
    """Return a schema without its titles, which only repeat the keys."""
    if isinstance(value, list):
        return [_untitled(item) for item in value]
    if not isinstance(value, dict):
        return value
    titled = isinstance(value.get("title"), str)
    return {key: _untitled(item) for key, item in value.items() if key != "title" or not titled}


def schema_text() -> str:
    """Return the schema as JSON text."""
    schema = _untitled(CaseFileModel.model_json_schema(schema_generator=_WithoutNull))
    dialect = "https://json-schema.org/draft/2020-12/schema"
    header = {"$schema": dialect, "title": "tf-conv-conformance case file"}
    return json.dumps(header | schema, indent=2, ensure_ascii=False) + "\n"


def modeline(schema: str) -> str:
    """Return the first line of a case file, by which editors find the schema."""
    return f"# yaml-language-server: $schema={schema}"
