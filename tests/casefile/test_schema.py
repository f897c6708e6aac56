"""The JSON Schema is generated from the model, and agrees with the reader about valid and invalid
cases.
"""

import json

import jsonschema
import pytest
import yaml

from tf_conv_conformance.casefile.loading import load
from tf_conv_conformance.casefile.schema import schema_text
from tf_conv_conformance.casefile.yaml_reader import read_source


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_schema_file_is_up_to_date(repository):
    written = (repository / "schema/case-file.schema.json").read_text(encoding="utf-8")
    assert written == schema_text(), (
        "run: tf-conv-conformance schema > schema/case-file.schema.json"
    )


@pytest.mark.slow
def test_every_shipped_file_is_valid_for_schema_and_reader(repository, validator):
    files = sorted((repository / "cases").rglob("*.yaml"))
    assert len(files) >= 8
    for path in files:
        assert load(path).diagnostics == (), path
        assert (
            list(validator.iter_errors(read_source(path.read_text(encoding="utf-8")).value)) == []
        ), path
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert (
            path.parent / first.partition("$schema=")[2]
        ).resolve() == repository / "schema/case-file.schema.json"


@pytest.mark.parametrize(
    "case",
    [
        "{id: x, op: conv3d}",
        "{id: x, strides: '3'}",
        "{id: x, padding: FULL}",
        "{id: x, padings: SAME}",
        "{id: x, sweep: {strides: 1}}",
        "{id: x, filter: [3, 3, $in, 2]}",
        "{op: conv2d}",
        "{id: x, strides: null}",
        "{id: x, deviations: [{rule: a, observed: {model: magic}, reported: unreported}]}",
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(validator, case):
    assert list(validator.iter_errors({"cases": [yaml.safe_load(case)]}))
