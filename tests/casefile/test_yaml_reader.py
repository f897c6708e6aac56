"""The YAML reader: values with their places, ambiguous scalars, and limits."""

import tracemalloc

import pytest

from tf_conv_conformance.casefile import yaml_reader
from tf_conv_conformance.casefile.diagnostic import UnreadableFileError
from tf_conv_conformance.casefile.yaml_reader import read_source, read_text


def diagnostic(text):
    with pytest.raises(UnreadableFileError) as caught:
        read_source(text)
    return caught.value.diagnostic


def faults(text):
    return [(one.line, one.column, one.message) for _, one in read_source(text).faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ('"3"', "3"),
        ("'true'", "true"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2026-11-24", "2026-11-24"),
        ("2.10", 2.1),
        ("!", ""),
        ("=", "="),
    ],
)
def test_scalars_follow_yaml_1_2(text, value):
    found = read_source(f"a: {text}").value["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 010", "octal to some readers"),
        ("a: 1e400", "1e400 is out of range; the largest number is 1.79e308, infinity is .inf"),
        ("a: 0x10", "write the number in decimal"),
        ("a: " + "9" * 30, "a number of 30 digits"),
        ("a:", "is empty (null)"),
        ("a: ~", "is empty (null)"),
        ("a: !!python/object/apply:os.system [x]", "tags are not used"),
        ("a: !!int 3", "tags are not used"),
        ("a: {<<: {b: 1}}", "<< (merge)"),
    ],
)
def test_an_ambiguous_scalar_is_a_fault(text, message):
    assert message in faults(text)[0][2]


def test_a_duplicate_key_is_reported_at_its_second_place():
    assert faults("a: 1\nb: 2\na: 3\n") == [
        (3, 1, "the key 'a' is already given in line 1; keep one")
    ]
    assert read_source("a: 1\na: 3\n").value == {"a": 1}


def test_values_know_their_line_and_column():
    source = read_source("cases:\n  - id: x\n    sweep: {rate: [1, [2, 3]]}\n")
    assert source.place(("cases", 0, "id")) == (2, 9)
    assert source.place(("cases", 0, "sweep", "rate", 1, 1)) == (3, 27)
    assert source.place(("cases", 0, "absent")) == (2, 5)
    assert source.diagnostic(("cases", 0, "sweep", "rate", 1), "x").key == "cases[0].sweep.rate[1]"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: [1, 2\nb: 3", 1, 4, "not YAML"),
        ("a: >=2.12", 1, 5, 'must be quoted: ">=2.12"'),
        ("a:\n\tb: 1", 2, 1, "spaces, not with tabs"),
        ("a: *nowhere", 1, 4, "has no anchor"),
        ("a: &x [*x]", 1, 8, "has no anchor"),
        ("a: 1\n---\nb: 2", 2, 1, "second document"),
        ("? [1, 2]\n: 3", 1, 3, "a key must be a plain word"),
        ("a: 'x\x00y'", 1, 6, "character"),
    ],
)
def test_text_that_is_not_one_document_has_a_diagnostic_with_its_place(text, line, column, message):
    found = diagnostic(text)
    assert message in found.message
    assert (found.line, found.column) == (line, column)


def test_depth_is_limited():
    assert "nested deeper" in diagnostic("a: " + "[" * 500).message
    assert (
        "nest" in diagnostic("a: " + "[" * 100_000).message
    )  # newer releases of libyaml have a bound of their own
    assert (
        "nested deeper"
        in diagnostic(
            "a:\n" + "".join(" " * i + "- \n" for i in range(1, 40)) + " " * 40 + "- x"
        ).message
    )


def test_aliases_do_not_multiply_memory():
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for previous, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{previous}'] * 10)}]\n"
    tracemalloc.start()
    assert "aliases expanded" in diagnostic(bomb).message
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()


def test_an_alias_has_the_value_of_its_anchor():
    assert read_source("a: &x {b: [1]}\nc: *x").value == {"a": {"b": [1]}, "c": {"b": [1]}}


@pytest.mark.parametrize(
    ("data", "message", "column"),
    [
        (b"a: \xff", "byte 0xff is not UTF-8", 4),
        (b"x" * (yaml_reader.FILE_LIMIT + 1), "is larger than", 1),
    ],
)
def test_files_that_are_not_utf_8_are_refused(tmp_path, data, message, column):
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    with pytest.raises(UnreadableFileError) as caught:
        read_text(path)
    assert message in caught.value.diagnostic.message
    assert caught.value.diagnostic.column == column


def test_byte_order_mark_and_windows_line_ends_are_fine(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: [2]\r\n")
    source = read_source(read_text(path))
    assert source.value == {"a": 1, "b": [2]}
    assert source.place(("b", 0)) == (2, 5)


def test_a_missing_file_is_a_diagnostic(tmp_path):
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        read_text(tmp_path / "none.yaml")
