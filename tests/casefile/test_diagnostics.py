"""Case files with faults: each has a diagnostic with its place."""

import json

import pytest

from support.single_cases import DEVIATION, diagnostics, one
from support.tables import entries
from tf_conv_conformance.casefile.diagnostic import UnreadableFileError
from tf_conv_conformance.casefile.loading import load, load_text

FAULTS = r"""
{"strides": "yes"}
    6:14: cases[0].strides: expected an integer; got the string 'yes'
{"strides": "1.0"}
    6:14: cases[0].strides: expected an integer; got the number 1.0; write 1
{"strides": "\"3\""}
    6:14: cases[0].strides: expected an integer; got the string '3'; write 3 without quotes
{"strides": "true"}
    6:14: cases[0].strides: expected an integer; got true
{"strides": "[1, 2.5, 2, 1]"}
    6:18: cases[0].strides[1]: expected an integer; got the number 2.5
{"strides": ""}
    6:13: cases[0].strides: is empty (null); give a value, or remove the key
{"strides": "99999999999999999999"}
    6:14: cases[0].strides: 99999999999999999999 is out of range
{"padding": null}
    2:5: cases[0]: missing: `padding` (SAME, VALID or a pair for each dimension); give each in the
    case, in its sweep or
{"input": "5"}
    4:12: cases[0].input: expected a shape such as [1, 24, 24, 3], or {shape, values}; got the
    integer 5
{"data_format": "[NHWC]"}
    8:18: cases[0].data_format: expected a single value or a mapping; got the list ['NHWC']
{"id": null}
    2:5: cases[0].id: is missing
{"id": "a b"}
    2:9: cases[0].id: 'a b' may contain only letters
{"id": "7"}
    2:9: cases[0].id: expected text; got the integer 7; write "7" in quotes
{"op": "conv3d"}
    3:9: cases[0].op: 'conv3d' is not one of 'conv2d' or 'depthwise_conv2d'; did you mean 'conv2d'?
{"padding": "same"}
    7:14: cases[0].padding: only Keras documents 'same'; write SAME, or
{"padding": "[[0, 0], 1]"}
    7:23: cases[0].padding[1]: expected a pair [before, after]; got the integer 1
{"input": "[1, -9, 9, 2]"}
    4:16: cases[0].input[1]: -9 is out of range; it must be at least 0
{"filter": "[3, 3, $in_chanels, 2]"}
    5:20: cases[0].filter[2]: '$in_chanels' refers to nothing; did you mean '$in_channels'?
{"input": "[$batch, 9, 9, 2]"}
    4:13: cases[0].input[0]: $batch is a size of the input, so the input itself cannot use it
{"input": "[9, 9, 2]", "filter": "[3, 3, $in_channels, 2]"}
    $in_channels has no meaning for an input of rank 3
{"paddding": "SAME"}
    8:5: cases[0].paddding: unknown key; did you mean 'padding'?
{"dtype": "float23"}
    'float23' is unknown; did you mean 'float32'? Known: half, float16,
{"rate": "1", "dilations": "1"}
    `rate` and `dilations` are two names for the same argument
{"modes": "[eager, graph]", "unknown": "height"}
    cases[0].modes: no call of this case can be made in eager mode: it traces no function, so
    `unknown: height` means nothing
{"modes": "[graph, tflite]", "dtype": "half"}
    cases[0].modes: no call of this case can be made in tflite mode: it takes only float32, not
    float16
{"modes": "litert", "gradient": "input"}
    no call of this case can be made in litert mode: the model has no gradient
{"modes": "[onnx]", "sweep": "{dtype: [float64, bfloat16]}"}
    no call of this case can be made in onnx mode: it takes only float32 and float16, not float64;
    it takes only float32 and float16, not bfloat16
{"modes": "[onnx]", "unknown": "filter"}
    made in onnx mode: the filter is a constant of the model, so it cannot be `unknown`
{"modes": "[onnx]", "filter_dtype": "half"}
    onnx mode: the filter is a constant of the model, which takes the dtype of the input
{"modes": "[eager, jit]"}
    8:20: cases[0].modes[1]: 'jit' is unknown; did you mean 'xla'? Known: eager, graph, xla,
    saved_model, tflite, tflite-reference, litert, onnx
{"sweep": "{strides: [1, 2]}"}
    8:22: cases[0].sweep.strides: `strides` is given both in the case and in its sweep
{"strides": null, "sweep": "{strides: [1, 2, 2, 1]}"}
    cases[0].sweep.strides[2]: the same alternative is listed twice
{"strides": null, "sweep": "{strides: 1}"}
    cases[0].sweep.strides: expected a list; got the integer 1; write a list of alternatives, such
    as [1]
{"strides": null, "sweep": "{strides: []}"}
    cases[0].sweep.strides: must not be empty
{"strides": null, "sweep": "{stride: [1]}"}
    cases[0].sweep.stride: unknown key; did you mean 'strides'?
{"expect": "{}"}
    cases[0].expect: expects nothing
{"expect": "{error: ValueError, shape: [1]}"}
    cannot both raise
{"expect": "{match: x}"}
    expects nothing
{"expect": "{error: ValueError, match: '('}"}
    is not a regular expression
{"expect": "{shape: [2], values: [1, 2, 3]}"}
    cases[0].expect.values: has 3 values, but the shape [2] needs 2
{"expect": "{values: [[1, 2], [3]]}"}
    cases[0].expect.values[1]: has the shape [1], but the first item has [2]
{"input": "{values: [1, 2], shape: [3]}"}
    cases[0].input.values: has 2 values, but the shape [3] needs 3
{"input": "{values: [[[[0.1]]]]}"}
    the value 0.1 of `input` is not exact in float32
{"input": "[1, 9, 9, 64]", "filter": "[3, 3, 64, 2]", "dtype": "bfloat16"}
    sums of 576 products are not exact in bfloat16
{"gradient": "input", "dtype": "int32"}
    int32 has no gradient in TensorFlow; use a floating dtype
{"input": "[1, 100000, 100000, 2]"}
    1 × 100000 × 100000 × 2 = 20,000,000,000 elements; the limit is 16,777,216, or 402,653,184 for
    all tensors of a call with `large: true` in a case file
{"input": "[1, 2000, 2000, 2]", "filter": "[9, 9, 2, 4]"}
    makes up to 2,592,000,000 products; the limit is 2,147,483,648, or 34,359,738,368 with
    `large: true`
{"large": "true", "input": "[1, 100000, 100000, 2]", "filter": "[3, 3, 2, 1]"}
    its tensors have 30,000,000,018 elements (input 1 × 100000 × 100000 × 2, filter 3 × 3 × 2 × 1,
    result 1 × 100000 × 100000 × 1); the limit of a large call is 402,653,184, 3 GiB
{"large": "true", "input": "[1, 2000, 2000, 2]", "filter": "[30, 30, 2, 20]"}
    makes up to 144,000,000,000 products; the limit of a large call is 34,359,738,368
{"large": "true", "input": "[4, 400, 400, 256]", "filter": "[3, 3, 256, 1]", "modes": "xla"}
    9:12: cases[0].modes: may need 9.2 GiB in xla mode, and TensorFlow's process has 8 GiB by
    default; XLA copies the input once for each element of the filter; leave xla out
{"large": "true", "input": "[1, 10000, 10000, 1]", "filter": "[1, 1, 1, 2]", "dtype": "float64"}
    may need 13.4 GiB in eager mode, and TensorFlow's process has 8 GiB by default; make it
    smaller, or name one arm of `data`
{"padding": "[[0, 0], [1000000, 0], [1000000, 0], [0, 0]]"}
    the documented result has
{"deviations": "[{rule: conv2d.unit-stride, observed: {model: documented}, reported: unreported}]"}
    there is no rule 'conv2d.unit-stride'
{"deviations": "[{rule: conv2d.values, observed: {}, reported: unreported}]"}
    give exactly one of `model`
{"deviations": "[{rule: conv2d.values, observed: {shape: [1]}, reported: unreported}]"}
    give the `model` that explains the values
{"deviations": "[{rule: conv2d.values, observed: {error: ValueError}, reported: no}]"}
    'no' is neither an address (https://…) nor `unreported`
{"deviations": "[{rule: conv2d.values, observed: {error: ValueError}}]"}
    cases[0].deviations[0].reported: is missing: the address of a public report, or `unreported`
{"requires": "{cpu: [avx2, avx512fp61]}"}
    8:28: cases[0].requires.cpu[1]: 'avx512fp61' is
{"requires": "{cpu_without: AVX512FP16}"}
    ; did you mean 'avx512_fp16'?
{"upstream": "[1, 2, 2, 3]"}
    cases[0].upstream: is only for an entry point that computes a gradient: tf.raw_ops
{"via": "tf.nn.conv2d_transpose", "gradient": "filter"}
    cases[0].gradient: tf.nn.conv2d_transpose computes the gradient with respect to the input;
    leave `gradient` out
{"via": "tf.nn.conv2d_transpose", "sizes": "[1, 9, 9, 2]"}
    cases[0].sizes: [1, 9, 9, 2] is the shape of a tensor, write it as `input`
{"via": "tf.raw_ops.Conv2DBackpropFilter", "sizes": "[-1, 9, 9, 2]"}
    and nothing documents what -1 means there; write the size
{"via": "tf.nn.conv2d_transpose", "unknown": "batch"}
    cases[0].unknown: tf.nn.conv2d_transpose gets the shape of its result, so nothing of it is
    unknown; leave `unknown` out
{"via": "tf.nn.conv2d_transpose", "input": "{shape: [1, 2, 2, 1], values: [1, 2, 3, 4]}"}
    cases[0].input: tf.nn.conv2d_transpose gets only the shape of the input; give the shape alone
{"requires": "{isa: '>=avx512_core,<avx2'}"}
    cases[0].requires.isa: no instruction set is in the range
{"via": "tf.nn.conv2d_transpose", "upstream": "[1, 9999, 9999, 9]"}
    the upstream gradient has 1 × 9999 × 9999 × 9
{"requires": "{isa: avx512_core}"}
    8:21: cases[0].requires.isa: 'avx512_core' is not a range of instruction sets; write one such as
    ">=avx512_core"
{"requires": "{isa: '>=avx512core'}"}
    write one such as ">=avx512_core"
{"requires": "{isa: 512}"}
    cases[0].requires.isa
{"op": "depthwise_conv2d", "strides": "[2, 2]", "expect": "result"}
    f.yaml:8:13: cases[0].expect: `expect: result` requires a result, but TensorFlow documents that
    it refuses this call: strides [2,2] is a list of 2, not a list of 4 as documented
    (depthwise.strides-length). Change the call
{"filter": "[3, 3, 3, 2]", "expect": "result"}
    the filter has 3 in_channels, but the input has 2 (conv2d.in-channels)
{"strides": null, "sweep": "{strides: [1, 0]}", "expect": "result"}
    strides0: strides is 0 (conv2d.strides-positive)
{"expect": "results"}
    cases[0].expect: expected result or a mapping such as {error: InvalidArgumentError} or {shape:
    [1, 4, 4, 8]}; got
"""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        *((json.loads(given), message) for given, message in entries(FAULTS)),
        (
            {"deviations": f"[{DEVIATION}]"},
            "cases[0].deviations[0]: matches no call: no call of this case can break",
        ),
        (
            {
                "deviations": (
                    "[{rule: conv2d.values, observed: {error: ValueError}, reported: "
                    "unreported, when: {tensorflow: 2.10}}]"
                )
            },
            'expected a version range in quotes, such as ">=2.12"; got the number '
            "2.1, and as a number 2.10 would be 2.1",
        ),
        (
            {
                "deviations": (
                    "[{rule: conv2d.values, observed: {error: ValueError}, reported: "
                    'unreported, when: {tensorflow: "2.10"}}]'
                )
            },
            '\'2.10\' is not a version range; write one such as "==2.10.*" or ">=2.10"',
        ),
        (
            {
                "deviations": (
                    "[{rule: conv2d.values, observed: {error: ValueError}, reported: "
                    "unreported, expires: 2020-01-31}]"
                )
            },
            "expired on 2020-01-31",
        ),
        (
            {
                "deviations": (
                    "[{rule: conv2d.values, observed: {error: ValueError}, reported: "
                    "unreported, when: {mode: eager}}]"
                )
            },
            "cases[0].deviations[0].when.mode: unknown key; did you mean 'modes'?",
        ),
    ],
)
def test_a_fault_has_a_diagnostic_with_its_place(changes, expected):
    found = diagnostics(one(**changes))
    assert len(found) == 1, found
    assert expected in found[0]
    assert found[0].startswith("f.yaml:")
    assert load_text(one(**changes)).calls == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: expected a mapping with the key `cases`; got nothing"),
        ("# nothing", "1:1: expected a mapping with the key `cases`; got nothing"),
        ("- 1", "1:1: expected a mapping with the key `cases`; got the list [1]"),
        ("[", "not YAML"),
    ],
)
def test_text_that_is_no_case_file_has_a_diagnostic(text, expected):
    with pytest.raises(UnreadableFileError) as caught:
        load_text(text)
    assert expected in caught.value.diagnostic.at("f.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "about: x",
            "f.yaml:1:1: `cases` is missing: write `cases:`, with a list of cases below it",
        ),
        (
            "cases: []",
            "f.yaml:1:8: cases: expected a list of cases; got an empty list; start "
            "each case with a dash, as in `- id: plain`",
        ),
        (
            "cases: {}",
            "f.yaml:1:8: cases: expected a list of cases; got a mapping; start each "
            "case with a dash, as in `- id: plain`",
        ),
        (
            "cases: [1]",
            "f.yaml:1:9: cases[0]: expected a mapping such as {id: plain, op: "
            "conv2d}; got the integer 1",
        ),
        ("case: []\n" + one(), "f.yaml:1:1: case: unknown key; did you mean 'cases'?"),
        (
            "about: 3\n" + one(),
            "f.yaml:1:8: about: expected text; got the integer 3; write it in quotes",
        ),
        (
            "defaults: {strids: 1}\n" + one(),
            "f.yaml:1:12: defaults.strids: unknown key; did you mean 'strides'?",
        ),
    ],
)
def test_a_fault_of_a_top_level_key_has_a_diagnostic(text, expected):
    assert expected in diagnostics(text)


def test_a_duplicate_id_is_reported_at_the_second_case():
    loaded = load_text(one() + one().removeprefix("cases:\n"))
    assert [diagnostic.at("f.yaml") for diagnostic in loaded.diagnostics] == [
        "f.yaml:8:9: cases[1].id: the id 'x' is already taken by the case in line 2"
    ]
    assert [call.case.id for call in loaded.calls] == ["x"] * 3


def test_an_unreadable_file_is_a_diagnostic(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff")
    assert [diagnostic.message for diagnostic in load(tmp_path / "x.yaml").diagnostics] == [
        "byte 0xff is not UTF-8; save the file as UTF-8"
    ]


WIDE = ", ".join(str(i) for i in range(1, 301))


def test_a_case_beyond_the_limit_of_a_file_is_refused():
    inputs = ", ".join(f"[1, {i}, 9, 2]" for i in range(9, 129))
    large = one(
        strides=None, input=None, sweep=f"{{input: [{inputs}], strides: [{WIDE}], rate: [{WIDE}]}}"
    )
    swept = one(strides=None, id="y", sweep=f"{{strides: [{WIDE}]}}").removeprefix("cases:\n")
    loaded = load_text(large + swept)
    assert len(loaded.calls) == 900
    assert [diagnostic.case for diagnostic in loaded.diagnostics] == ["x"]
    assert (
        "expands to 32,400,000 tests, but the file may add only 300,000 more; split the file"
        in loaded.diagnostics[0].message
    )


def test_a_fault_in_a_sweep_has_its_place():
    text = one(
        strides=None,
        filter=None,
        sweep="{strides: [1, 2], filter: [[3, 3, 2, 2], [3, $height, 2, 2], [99999, 99999, 2, 2]]}",
    )
    (diagnostic,) = load_text(text).diagnostics
    assert "elements; the limit is 16,777,216" in diagnostic.at("f.yaml")
    assert diagnostic.case == "x"


def test_many_cases_with_one_id_are_read_in_linear_time():
    case = "  - {id: x, op: conv3d}\n"
    assert len(load_text("cases:\n" + case * 8000).diagnostics) == 8000


def test_a_deviation_that_matches_no_call_names_the_nearest_rules():
    (message,) = diagnostics(one(deviations=f"[{DEVIATION}]"))
    assert message.partition(", but only ")[2].count("conv2d.") == 3
    assert message.endswith(" more; `tf-conv-conformance rules` lists all")
