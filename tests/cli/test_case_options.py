"""Options on their way through the reader of case files: what they become, and what is said of bad
ones.
"""

import shlex

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tf_conv_conformance.casefile.writer import case_text, flow
from tf_conv_conformance.casefile.yaml_reader import read_source
from tf_conv_conformance.cli.case_options import OptionError, command, read_case
from tf_conv_conformance.cli.main import COMMANDS, main
from tf_conv_conformance.cli.parser import parser
from tf_conv_conformance.convolution.arguments import TensorSpec

GIVEN = {
    "op": "conv2d",
    "input": "1,4,4,2",
    "filter": "2,2,$in_channels,3",
    "strides": "1",
    "padding": "VALID",
}


PADDING = (
    "expected SAME, VALID or a pair [before, after] for each dimension, such as [[0, 0], "
    "[1, 1], [1, 1], [0, 0]]"
)


def case_of(**options):
    return read_case({**GIVEN, **{name.replace("-", "_"): text for name, text in options.items()}})


def test_options_are_the_keys_of_a_case():
    question = case_of(
        op="depthwise_conv2d",
        strides="1, 2,2 ,1",
        dilations="3",
        padding="0,0,1,2,3,0,0,0",
        dtype="half",
        modes="xla,eager",
    )
    assert case_text(question.case) == (
        "cases:\n"
        "  - id: tried\n"
        "    op: depthwise_conv2d\n"
        "    input: [1, 4, 4, 2]\n"
        "    filter: [2, 2, $in_channels, 3]\n"
        "    strides: [1, 2, 2, 1]\n"
        "    dilations: 3\n"
        "    padding: [[0, 0], [1, 2], [3, 0], [0, 0]]\n"
        "    dtype: half\n"
        "    modes: [xla, eager]\n"
    )
    arguments = question.arguments
    assert arguments.filter == TensorSpec((2, 2, 2, 3))
    assert (arguments.strides, arguments.dilations, arguments.dtype) == (
        (1, 2, 2, 1),
        (3, 3),
        "float16",
    )
    assert arguments.padding == ((0, 0), (1, 2), (3, 0), (0, 0))
    assert [call.mode for call in question.calls] == ["eager", "xla"]


def test_yaml_is_as_good_as_commas():
    yaml_text = {
        "input": "{shape: [1, 2, 2, 1], values: [1, .nan, -3, 0.5]}",
        "padding": "[[0,0],[1,2],[3,0],[0,0]]",
        "strides": "[1]",
    }
    arguments = case_of(filter="1,1,1,1", **yaml_text).arguments
    assert arguments.input.shape == (1, 2, 2, 1)
    assert str(arguments.input.values) == "(1.0, nan, -3.0, 0.5)"
    assert arguments.padding == ((0, 0), (1, 2), (3, 0), (0, 0))
    assert arguments.strides == (1,)


@pytest.mark.parametrize(
    "shape", ["(1, 4, 4, 2)", "(1,4,4,2)", "[1,4,4,2]", "1x4x4x2", "TensorShape([1, 4, 4, 2])"]
)
def test_a_shape_is_read_as_it_is_printed(shape):
    assert case_of(input=shape).arguments.input.shape == (1, 4, 4, 2)


@pytest.mark.parametrize(
    "padding",
    ["((0, 0), (1, 2), (3, 0), (0, 0))", "[[0,0],[1,2],[3,0],[0,0]]", "(0, 0, 1, 2, 3, 0, 0, 0)"],
)
def test_explicit_padding_is_read_in_every_form(padding):
    assert case_of(padding=padding, strides="(2,)").arguments.padding == (
        (0, 0),
        (1, 2),
        (3, 0),
        (0, 0),
    )


def test_strides_are_1_unless_given():
    assert case_of(strides=None).arguments == case_of(strides="1").arguments
    assert case_of(op="depthwise_conv2d", strides=None).arguments.strides == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"op": "conv3d"},
            "OP: 'conv3d' is not one of 'conv2d' or 'depthwise_conv2d'; did you mean 'conv2d'?",
        ),
        (
            {"input": "5"},
            "--input: expected a shape such as [1, 24, 24, 3], or {shape, values}; "
            "got the integer 5",
        ),
        (
            {"input": "1,,4,2"},
            "--input: '1,,4,2' has an empty item; put one comma between two items, as in 1,24,24,3",
        ),
        ({"input": "1,x,4,2"}, "--input[1]: expected an integer; got the string 'x'"),
        (
            {"input": "1,010,4,2"},
            "--input: 010 is octal to some readers and decimal to others; write the "
            "number without the leading zero",
        ),
        ({"input": " "}, "--input: is empty; give a value, or leave the option out"),
        (
            {"input": "[1,4"},
            "--input: '[1,4' cannot be read: not YAML: did not find expected ',' or "
            "']' (the list that opens here is not closed, or lacks a comma)",
        ),
        (
            {"input": "1,4,4,2\n]}"},
            "--input: '[1,4,4,2\\n]}]' cannot be read: not YAML: did not find "
            "expected <document start>",
        ),
        ({"input": "{shap: [1], values: [1]}"}, "--input.shap: unknown key; did you mean 'shape'?"),
        (
            {"input": "1,4000,4000,2"},
            "the input has 1 × 4000 × 4000 × 2 = 32,000,000 elements; the limit is 16,777,216, "
            "or 402,653,184 for all tensors of a call with `large: true` in a case file",
        ),
        ({"strides": "two"}, "--strides: expected an integer; got the string 'two'"),
        (
            {"padding": "same"},
            "--padding: only Keras documents 'same'; write SAME, or {verbatim: "
            "same} to see it refused",
        ),
        (
            {"padding": "FULL"},
            f"--padding: {PADDING}; got the string 'FULL'; to pass the word on to "
            f"TensorFlow, write {{verbatim: FULL}}",
        ),
        (
            {"padding": "1"},
            f"--padding: {PADDING}; got the integer 1; in NHWC that may be [[0, 0], "
            "[1, 1], [1, 1], [0, 0]]",
        ),
        ({"padding": "0,0,1"}, f"--padding: {PADDING}; got the list [0, 0, 1]"),
        (
            {"padding": "0,0,x,1,1,1,0,0"},
            "--padding[1][0]: expected an integer; got the string 'x'",
        ),
        (
            {"rate": "2", "dilations": "2"},
            "--rate: `rate` and `dilations` are two names for the same argument; keep one",
        ),
        (
            {"data-format": "nhwc"},
            "--data-format: 'nhwc' is not one of 'NHWC', 'NCHW', 'NWC' or 'NCW'; "
            "did you mean 'NHWC'?",
        ),
        ({"gradient": "both"}, "--gradient: 'both' is not one of 'input' or 'filter'"),
        (
            {"modes": "eager,egar"},
            "--modes[1]: 'egar' is unknown; did you mean 'eager'? Known: eager, "
            "graph, xla, saved_model, tflite, tflite-reference, litert, onnx",
        ),
        (
            {"data": "integers"},
            "--data: 'integers' is not one of 'small_integers', 'wide_integers' or "
            "'reals'; did you mean 'wide_integers'?",
        ),
    ],
)
def test_a_bad_option_is_named(options, said):
    with pytest.raises(OptionError) as error:
        case_of(**options)
    assert str(error.value) == said


def test_missing_shapes_are_named():
    with pytest.raises(OptionError, match=r"\Agive --input and --filter: the shape, as in 1,24"):
        read_case({"op": "conv2d"})


def test_every_bad_option_is_named_at_once():
    with pytest.raises(OptionError, match=r"\A--strides: .*\n--padding: .*\Z"):
        case_of(strides="two", padding="FULL")


@pytest.mark.parametrize("command", ["explain", "probe"])
def test_a_bad_option_is_one_line_and_status_2(capsys, command):
    assert (
        main([command, "conv2d", "--input", "1,4,4,x", "--filter", "1,1,1,1", "--strides", "1"])
        == 2
    )
    assert capsys.readouterr() == (
        "",
        "tf-conv-conformance: --input[3]: expected an integer; got the string 'x'\n",
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--strides", "-1,-1"],
            "argument --strides: expected one argument; write a value that starts "
            "with a minus sign after an equals sign, as in --strides=-1,-1; "
            "see tf-conv-conformance probe --help",
        ),
        (
            ["--timeout", "0"],
            "argument --timeout: '0' is not a number of seconds above 0; see "
            "tf-conv-conformance probe --help",
        ),
    ],
)
def test_what_the_parser_refuses_is_one_line_as_well(capsys, words, said):
    with pytest.raises(SystemExit) as end:
        main(["probe", "conv2d", *words])
    assert end.value.code == 2
    assert capsys.readouterr() == ("", f"tf-conv-conformance probe: {said}\n")


def test_the_command_for_another_asks_the_same():
    question = case_of(
        padding="0,0,-1,2,3,0,0,0",
        rate="{verbatim: [1, 2]}",
        strides="-1,-1",
        data_format="NCHW",
        modes="eager",
    )
    words = shlex.split(command(question, "explain"))
    assert words[:3] == ["tf-conv-conformance", "explain", "conv2d"]
    again = read_case(vars(parser(COMMANDS).parse_args(words[1:])))
    assert again.arguments == question.arguments
    assert dict(again.case) == {
        key: value for key, value in question.case.items() if key != "modes"
    }


WORDS = st.sampled_from(
    [
        "SAME",
        "yes",
        "1e-3",
        "0x10",
        "010",
        "~",
        "null",
        "",
        " a",
        "a: b",
        "#",
        "[1",
        "$in_channels",
        "é\n\t",
        "-",
        "1_000",
    ]
)
PLAIN = st.recursive(
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.booleans()
    | WORDS
    | st.text(st.characters(codec="ascii")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS.filter(bool), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(PLAIN)
@example("\n")
@pytest.mark.slow
def test_what_is_written_reads_as_the_same(value):
    text = flow(value)
    assert "\n" not in text
    source = read_source(f"key: {text}")
    assert source.value == {"key": value}
    assert [fault.message for fault in source.faults] == []
    yaml.safe_load(text)


def test_every_option_is_on_the_page(repository):
    page = (repository / "docs/command-line.md").read_text(encoding="utf-8")
    commands = next(
        action for action in parser(COMMANDS)._actions if action.dest == "command"
    ).choices
    options = {
        name
        for command in ("explain", "probe")
        for action in commands[command]._actions
        for name in action.option_strings
    }
    assert "--padding" in options
    assert [name for name in options - {"-h", "--help"} if f"`{name}" not in page] == []


def test_default_padding_is_in_the_help(capsys):
    for name in ("explain", "probe"):
        with pytest.raises(SystemExit):
            main([name, "--help"])
        assert "(default: VALID)" in " ".join(capsys.readouterr().out.split())
    assert case_of(padding=None).arguments.padding == "VALID"
