"""Mistakes of people who are new to case files: each diagnostic has its place and says how to fix
it.
"""

import pytest

from support.tables import entries
from tf_conv_conformance.casefile.diagnostic import UnreadableFileError
from tf_conv_conformance.casefile.loading import load_text

CASE = """\
defaults: {op: conv2d, input: [1, 9, 9, 2], filter: [3, 3, 2, 4], padding: SAME}
cases:
  - id: mine
    %s
"""
DEVIATION = (
    "deviations: [{rule: conv2d.values, observed: {model: documented}, reported: unreported, %s}]"
)


def said(text):
    try:
        return [diagnostic.at("f") for diagnostic in load_text(text).diagnostics]
    except UnreadableFileError as error:
        return [error.diagnostic.at("f")]


MISTAKES = """
padding: [0, 0, 1, 1, 1, 1, 0, 0]
    expected SAME, VALID or a pair [before, after] for each dimension, such as [[0, 0], [1, 1], [1,
    1], [0, 0]]; got the list [0, 0, 1, 1, 1, 1, 0, 0]; write [[0, 0], [1, 1], [1, 1], [0, 0]]
padding: 2
    expected SAME, VALID or a pair [before, after] for each dimension, such as [[0, 0], [1, 1], [1,
    1], [0, 0]]; got the integer 2; in NHWC that may be [[0, 0], [2, 2], [2, 2], [0, 0]]
padding: [1, 2]
    expected SAME, VALID or a pair [before, after] for each dimension, such as [[0, 0], [1, 1], [1,
    1], [0, 0]]; got the list [1, 2]; in NHWC that may be [[0, 0], [1, 1], [2, 2], [0, 0]]
padding: EXPLICIT
    expected SAME, VALID or a pair [before, after] for each dimension, such as [[0, 0], [1, 1], [1,
    1], [0, 0]]; got the string 'EXPLICIT'; to pass the word on to TensorFlow, write {verbatim:
    EXPLICIT}
padding: Valid
    expected SAME, VALID or a pair [before, after] for each dimension, such as [[0, 0], [1, 1], [1,
    1], [0, 0]]; got the string 'Valid'; did you mean 'VALID'?
padding: true
    expected SAME, VALID or a pair [before, after] for each dimension, such as [[0, 0], [1, 1], [1,
    1], [0, 0]]; got true
padding: 1.5
    expected SAME, VALID or a pair [before, after] for each dimension, such as [[0, 0], [1, 1], [1,
    1], [0, 0]]; got the number 1.5
padding: [SAME]
    expected SAME, VALID or a pair [before, after] for each dimension, such as [[0, 0], [1, 1], [1,
    1], [0, 0]]; got the list ['SAME']
sweep: {padding: [[0, 0], [1, 1], [1, 1], [0, 0]]}
    4:22: cases[0].sweep.padding: every item of this list is one alternative; write [[[0, 0], [1,
    1], [1, 1], [0, 0]]] if the whole list is one
sweep: {input: [1, 9, 9, 2]}
    4:20: cases[0].sweep.input: every item of this list is one alternative; write [[1, 9, 9, 2]]
sweep: {rate: 2}
    4:19: cases[0].sweep.rate: expected a list; got the integer 2; write a list of alternatives,
    such as [2]
sweep: {data: [reals]}
    4:13: cases[0].sweep.data: unknown key; `data` belongs in a case, not in `sweep`
sweep: {id: [a]}
    4:13: cases[0].sweep.id: unknown key; `id` belongs in a case, not in `sweep`
sweep: {network: [a]}
    4:13: cases[0].sweep.network: unknown key; known here: op, input, filter,
expect: {strides: 1}
    4:14: cases[0].expect.strides: unknown key; `strides` belongs in a case, not in `expect`
expect: ValueError
    4:13: cases[0].expect: expected result or a mapping such as {error: InvalidArgumentError} or
    {shape: [1, 4,
expect: {error: ValueError, message: x}
    4:33: cases[0].expect.message: unknown key; write `match`, a regular expression
expect: {error: InvalidArgmentError}
    4:21: cases[0].expect.error: 'InvalidArgmentError' is not an exception of Python or TensorFlow;
    did you mean 'InvalidArgumentError'?
expect: {error: tf.errors.InternalEror}
    'tf.errors.InternalEror' is not an exception of Python or TensorFlow; did you mean
    'InternalError'?
expect: {error: [ValueError, Mine]}
    4:34: cases[0].expect.error[1]: 'Mine' is not an exception of Python or TensorFlow; write a
    class of another package with its module, as in absl.app.UsageError
expect: {error: invalid argument}
    expected an exception such as InvalidArgumentError; got the string 'invalid argument'
error: ValueError
    4:5: cases[0].error: unknown key; `error` belongs in `expect` or `observed`, not in a case
values: [1]
    4:5: cases[0].values: unknown key; `values` belongs in `expect`, `observed`, `input` or
    `filter`, not in a case
tensorflow: '>=2'
    4:5: cases[0].tensorflow: unknown key; `tensorflow` belongs in `when` or `requires`, not in a
    case
defaults: {}
    4:5: cases[0].defaults: unknown key; `defaults` belongs at the top level of the file, not in a
    case
bias: true
    4:5: cases[0].bias: unknown key; write `after`, such as [bias_add, relu]
kernel_size: 3
    4:5: cases[0].kernel_size: unknown key; write `filter`, the whole shape: [height, width,
    in_channels,
filters: 8
    4:5: cases[0].filters: unknown key; write it as the last size of `filter`
groups: 2
    4:5: cases[0].groups: unknown key; groups follow from the filter: its in_channels are those of
    one group
dilation_rate: 2
    4:5: cases[0].dilation_rate: unknown key; write `rate`
stride: 2
    4:5: cases[0].stride: unknown key; did you mean 'strides'?
name: x
    4:5: cases[0].name: unknown key; write `id`
mode: eager
    4:5: cases[0].mode: unknown key; did you mean 'modes'?
rtol: 1e-6
    4:5: cases[0].rtol: unknown key; there are no tolerances: integers are compared bit for bit,
    `data: [reals]`
network: vgg
    4:5: cases[0].network: unknown key; `tf-conv-conformance docs writing-cases` lists the
    known keys
backend: jax
    4:5: cases[0].backend: unknown key; `backend` belongs in `when` or `requires`, not in a case
rate: '2'
    4:11: cases[0].rate: expected an integer; got the string '2'; write 2 without quotes
strides: 2.0
    4:14: cases[0].strides: expected an integer; got the number 2.0; write 2
strides: (2, 2)
    4:14: cases[0].strides: expected an integer; got the string '(2, 2)'; write [2, 2]
strides: {h: 2}
    4:15: cases[0].strides.h: unknown key; a mapping here is {verbatim: …}, which is passed on
    unchanged
dtype: float
    4:12: cases[0].dtype: 'float' is unknown; did you mean 'float32'? Known: half, float16,
    bfloat16,
dtype: fp16
    4:12: cases[0].dtype: 'fp16' is unknown; did you mean 'half'? Known: half,
dtype: float32x
    4:12: cases[0].dtype: 'float32x' is unknown; did you mean 'float32'? Known: half,
dtype: tf.float32
    4:12: cases[0].dtype: 'tf.float32' is unknown; did you mean 'float32'? Known: half,
dtype: [half, float32]
    expected a single value; got the list ['half', 'float32']; write alternatives as `sweep: {dtype:
    ['half', 'float32']}`
op: Conv2D
    4:9: cases[0].op: 'Conv2D' is not one of 'conv2d' or 'depthwise_conv2d'; did you mean 'conv2d'?
op: tf.nn.conv2d
    4:9: cases[0].op: 'tf.nn.conv2d' is not one of 'conv2d' or 'depthwise_conv2d'; write op: conv2d
op: tf.keras.layers.DepthwiseConv2D
    ; write op: depthwise_conv2d and via: tf.keras.layers.DepthwiseConv2D
via: atrous
    'atrous' is unknown; did you mean 'tf.nn.atrous_conv2d' or 'tf.nn.atrous_conv2d_transpose'?
    Known: tf.nn.conv2d,
data_format: channels_first
    'channels_first' is not one of 'NHWC', 'NCHW', 'NWC' or 'NCW'; did you mean 'NCHW'?
modes: tf.function
    4:12: cases[0].modes: 'tf.function' is unknown; did you mean 'graph'? Known: eager, graph, xla,
    saved_model, tflite, tflite-reference, litert, onnx
modes: {eager: true}
    4:12: cases[0].modes: expected a single value or a list; got a mapping
gradient: kernel
    4:15: cases[0].gradient: 'kernel' is not one of 'input' or 'filter'; did you mean 'filter'?
large: yes
    4:12: cases[0].large: expected true or false; got the string 'yes'; write true
input: (1, 24, 24, 3)
    4:12: cases[0].input: expected a shape such as [1, 24, 24, 3], or {shape, values}; got the
    string '(1, 24, 24, 3)'; write [1, 24, 24, 3]
input: [None, 9, 9, 2]
    4:13: cases[0].input[0]: expected an integer; got the string 'None'; a size must be known here
filter: [3, 3, in_channels, 2]
    4:20: cases[0].filter[2]: expected an integer; got the string 'in_channels'; write $in_channels
input: {values: 0.5}
    4:21: cases[0].input.values: expected a list; got the number 0.5; write [0.5]
input: {values: [[[[0.1, 1]]]]}
    4:12: cases[0].input: the value 0.1 of `input` is not exact in float32; write `data: [reals]`
relations: linearity
    4:16: cases[0].relations: 'linearity' is unknown; did you mean 'linear'? Known: grouped,
requires: {tensorflow: 2.21}
    4:28: cases[0].requires.tensorflow: expected a version range in quotes, such as ">=2.12"; got
requires: {tensorflow: '2.21'}
    '2.21' is not a version range; write one such as "==2.21.*" or ">=2.21"
requires: {backend: pytorch}
    'pytorch' is not a backend of Keras; write tensorflow or jax or torch or numpy or openvino, or
    one with versions: "jax>=0.5"
requires: {backend: jax 0.5}
    '0.5' is not a version range; write one such as "==0.5.*" or ">=0.5"
requires: {tensorflow: >=2.12}
    4:28: not YAML: found character that cannot start any token (a value that starts with > must
deviations: {rule: conv2d.values}
    4:17: cases[0].deviations: expected a list; got a mapping; start each item with a dash
deviations: [conv2d.values]
    4:18: cases[0].deviations[0]: expected a mapping such as {rule: conv2d.values, observed:
deviations: [{rule: conv2d.values, observed: {model: documented}, reported: unreported, issue: 3}]
    4:93: cases[0].deviations[0].issue: unknown key; write `reported`
deviations: [{rule: conv2d.values, observed: {crash: SIGFPEE}, reported: unreported, notes: x}]
    observed.crash: 'SIGFPEE' is not a signal; did you mean
deviations: [{rule: conv2d.values, observed: phase_strided, reported: unreported, notes: x}]
    expected a mapping such as {model: phase_strided}; got
deviations: [{rule: conv2d.values, observed: {timeout: 60}, reported: unreported, notes: x}]
    observed.timeout: expected true; got the integer 60
deviations: [{rule: nothing, observed: {model: documented}, reported: unreported, notes: x}]
    deviations[0].rule: there is no rule 'nothing'; `tf-conv-conformance rules` lists
deviations: [{rule: static-shape.known, observed: {unknown: heights}, reported: unreported}]
    observed.unknown: 'heights' is unknown; did you mean 'height'?
deviations: [{rule: static-shape.agrees, observed: {static: [1, x]}, reported: unreported}]
    observed.static[1]: expected a size or unknown; got the string 'x'
deviations: [{rule: static-shape.known, observed: {unknown: width, model: documented}, reported: x}]
    observed: give exactly one of `model` (or
deviations: [{rule: static-shape.known, observed: {unknown: width, warning: UserWarning}, notes: x}]
    observed: `warning` goes with a result or an `error`, not with a
deviations: [{rule: static-shape.known, observed: {unknown: width, sometimes: true}, notes: x}]
    observed: `sometimes` goes with a result or an `error`, not with a
deviations: [{rule: conv2d.values, observed: {unknown: width}, reported: unreported}]
    observed: `unknown` and `static` are for static shapes, with one of the rules
deviations: [{rule: static-shape.known, observed: {model: documented}, reported: unreported}]
    observed: static-shape.known needs `unknown` or `static`, since it
<<: {strides: 1}
    4:5: cases[0].<<: << (merge) is not part of YAML 1.2; use `defaults`
strides: *all
    4:14: *all has no anchor &all that is complete before it
strides 1
    4:5: not YAML: could not find expected ':' (a key is followed by a colon and a space, as in
    `strides: 2`)
dilations: [1, 2
    4:16: not YAML: did not find expected ',' or ']' (the list that opens here is not closed, or
    lacks a comma)
expect: {shape: [1]
    4:13: not YAML: did not find expected ',' or '}' (the mapping that opens here is not closed, or
    lacks a comma)
notes: 'open
    4:12: not YAML: found unexpected end of stream (the quotation mark that opens here is not
    closed)
notes: a: b
    4:13: not YAML: mapping values are not allowed in this context (keys of a mapping start in the
    same column; a text
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        *entries(MISTAKES),
        (
            DEVIATION % "when: {rate: 2}",
            "cases[0].deviations[0].when.rate: unknown key; `rate` belongs in a case, "
            "not in `when`",
        ),
        (DEVIATION % "expires: tomorrow", "'tomorrow' is not a date; write it as 2027-01-31"),
        (
            (DEVIATION % "notes: x").replace("documented", "documented, warning: UserWarn"),
            "is not a Python warning; did you mean 'UserWarning'?",
        ),
        (
            "strides: 1\n    rate: 1\n    strides: 2",
            "6:5: cases[0].strides: the key 'strides' is already given in line 4; keep one",
        ),
        (
            "\tstrides: 1",
            "4:5: not YAML: found a tab character that violates indentation (YAML is "
            "indented with spaces, not with tabs)",
        ),
    ],
)
def test_a_mistake_in_a_case(line, expected):
    found = said(CASE % line)
    assert [one for one in found if expected in one], found
    assert all(one.startswith("f:") for one in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "cases:\n  id: x\n",
            "2:3: cases: expected a list of cases; got a mapping; start each case with a "
            "dash, as in `- id: plain`",
        ),
        ("- id: x\n", "1:1: expected a mapping with the key `cases`; got the list [{'id': 'x'}]"),
        (
            "op: conv2d\ncases: [{id: x}]\n",
            "1:1: op: unknown key; `op` belongs in `defaults` or a case, not at the top "
            "level of the file",
        ),
        (
            "defaults: {sweep: {}}\ncases: []\n",
            "1:12: defaults.sweep: unknown key; `sweep` belongs in a case, not in `defaults`",
        ),
        (
            "cases:\n  - id: a b\n",
            "2:9: cases[0].id: 'a b' may contain only letters, digits, `.`, `_` and `-`, "
            "and must start with a letter "
            "or a digit; write 'a-b'",
        ),
        (
            "cases:\n  - id: x\n  op: conv2d\n",
            "3:3: not YAML: did not find expected '-' indicator (keys of a case start in "
            "the same column,",
        ),
        (
            "cases: [{op: conv2d}]",
            "1:9: cases[0].id: is missing: the name of the case, unique in the file",
        ),
        (
            "cases: [{id: x}]",
            "1:9: cases[0]: missing: `op` (conv2d or depthwise_conv2d), `input` (a shape "
            "such as [1, 24, 24, 3]), `filter` (",
        ),
    ],
)
def test_a_mistake_in_a_file(text, expected):
    assert [one for one in said(text) if one.startswith("f:" + expected)], said(text)


@pytest.mark.parametrize(
    "line",
    [
        "padding: [[1, 1], [1, 1]]",
        "filter: [3, 3, 2]",
        "input: [9, 9, 2]",
        "expect: {error: absl.flags.Error}",
        "expect: {error: tf.errors.OpError}",
    ],
)
def test_arguments_that_tensorflow_must_refuse_are_valid(line):
    assert said(CASE % line) == []


def test_one_mistake_gives_one_diagnostic():
    for line in (
        "padding: [0, 0, 1, 1, 1, 1, 0, 0]",
        "sweep: {padding: [[0, 0], [1, 1], [1, 1], [0, 0]]}",
        "stride: 2",
        "bias: true",
    ):
        assert len(said(CASE % line)) == 1


@pytest.mark.parametrize(
    ("dtype", "value", "expect", "place"),
    [
        ("int32", ".nan", "result", "3:70: cases[0].input: the value nan of `input` is not finite"),
        ("uint8", "-.inf", "{error: Exception}", "3:70: cases[0].input: the value -inf of `input`"),
        ("int32", "1", "{values: [.nan]}", "the value nan is not an integer, but int32 holds only"),
        ("int32", "1", "{values: [0.5]}", "the value 0.5 is not an integer, but int32 holds only"),
    ],
)
def test_integers_are_finite_integers(dtype, value, expect, place):
    text = f"""
cases:
  - {{id: x, op: conv2d, via: tf.raw_ops.Conv2D, dtype: {dtype}, input: {{values: [[[[{value}]]]]}},
     filter: {{values: [[[[1]]]]}}, padding: SAME, expect: {expect}}}
"""
    (message,) = said(text)
    assert place in message


def test_floating_dtypes_have_infinities():
    text = """
cases:
  - {id: x, op: conv2d, input: {values: [[[[.inf]]]]}, filter: {values: [[[[1]]]]}, padding: SAME}
"""
    assert said(text) == []
