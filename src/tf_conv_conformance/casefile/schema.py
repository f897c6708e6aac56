"""The JSON Schema of a case file, for editors; ``schema/case-file.schema.json`` holds what this makes."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from tf_conv_conformance.casefile.model import CaseFileModel


class _WithoutNull(GenerateJsonSchema):
    """A key is there with a value or not there at all: the reader refuses null, so the schema does."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        made.pop("default", None)
        return made


def _untitled(value: Any) -> Any:
    """The schema without the titles that only repeat a key."""
    if isinstance(value, dict):
        return {
            key: _untitled(item)
            for key, item in value.items()
            if not (key == "title" and isinstance(item, str))
        }
    return [_untitled(item) for item in value] if isinstance(value, list) else value


def schema_text() -> str:
    """The schema as JSON text, ending in a newline."""
    schema = _untitled(CaseFileModel.model_json_schema(schema_generator=_WithoutNull))
    header = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tf-conv-conformance case file",
    }
    return json.dumps(header | schema, indent=2, ensure_ascii=False) + "\n"
