"""Calls that are pasted as Python code: what they become, and what is said of bad ones."""

import inspect
import itertools
import shlex
from dataclasses import replace

import pytest

from tf_conv_conformance.cli.case_options import OptionError, command, read_case
from tf_conv_conformance.cli.main import main
from tf_conv_conformance.cli.pasted_case import read_pasted
from tf_conv_conformance.cli.signatures import SIGNATURES
from tf_conv_conformance.convolution.arguments import padding_of
from tf_conv_conformance.convolution.entry_points import ENTRY_POINTS
from tf_conv_conformance.convolution.invocation import source
from tf_conv_conformance.prediction import data

BLOG = (
    "tf.nn.depthwise_conv2d(x[1,24,24,3], w[4,4,3,4], strides=[1,4,4,1], "
    'padding="VALID", dilations=[3,3])'
)
SHAPES = {"input": "1,9,8,2", "filter": "3,3,2,3"}
X = "x[1,24,24,3]"
W = "w[3,3,3,8]"


def keys_of(code, **options):
    """The keys of the case that code becomes."""
    case = dict(read_pasted({"op": code, **options}).written.case)
    assert case.pop("id") == "tried"
    return case


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        (
            BLOG,
            {
                "op": "depthwise_conv2d",
                "input": [1, 24, 24, 3],
                "filter": [4, 4, 3, 4],
                "strides": [1, 4, 4, 1],
                "dilations": [3, 3],
                "padding": "VALID",
            },
        ),
        (
            f'tf.keras.layers.Conv2D(64, 3, strides=2, padding="same", dilation_rate=2)({X})',
            {
                "op": "conv2d",
                "via": "tf.keras.layers.Conv2D",
                "input": [1, 24, 24, 3],
                "filter": [3, 3, "$in_channels", 64],
                "strides": 2,
                "dilations": 2,
                "padding": "same",
            },
        ),
        (
            'model.add(layers.DepthwiseConv2D((3, 5), depth_multiplier=2, activation="relu",\n'
            "    input_shape=(28, 26, 4))),",
            {
                "op": "depthwise_conv2d",
                "via": "tf.keras.layers.DepthwiseConv2D",
                "input": [1, 28, 26, 4],
                "filter": [3, 5, "$in_channels", 2],
                "padding": "valid",
            },
        ),
        (
            'Conv2D(8, [3, 3], groups=2, data_format="channels_first", dtype="half")(x[1,4,9,9])',
            {
                "op": "conv2d",
                "via": "tf.keras.layers.Conv2D",
                "input": [1, 4, 9, 9],
                "filter": [3, 3, 2, 8],
                "padding": "valid",
                "data_format": "NCHW",
                "dtype": "half",
            },
        ),
        (
            'keras.layers.Conv1D(8, 3, groups=2, padding="causal", dilation_rate=[2],\n'
            '    data_format="channels_first")(x[1,4,9])',
            {
                "op": "conv2d",
                "via": "tf.keras.layers.Conv1D",
                "input": [1, 4, 9],
                "filter": [3, 2, 8],
                "dilations": [2],
                "padding": "causal",
                "data_format": "NCW",
            },
        ),
        (
            "tf.nn.conv1d(x[1,24,3], w[4,3,8], stride=2, padding='SAME')",
            {
                "op": "conv2d",
                "via": "tf.nn.conv1d",
                "input": [1, 24, 3],
                "filter": [4, 3, 8],
                "strides": 2,
                "padding": "SAME",
            },
        ),
        (
            "tf.keras.layers.Conv2DTranspose(4, 3, strides=2)(x[1,5,5,8])",
            {
                "op": "conv2d",
                "via": "tf.keras.layers.Conv2DTranspose",
                "input": [1, 11, 11, 4],
                "filter": [3, 3, 4, 8],
                "strides": 2,
                "padding": "valid",
                "upstream": [1, 5, 5, 8],
            },
        ),
        (
            "y = tensorflow.nn.conv2d(tf.zeros([1, 24, 24, 3]), filters=np.ones((3, 3, 3, 8)),\n"
            '    strides=(1, 2, 2, 1), padding="SAME",\n)',
            {
                "op": "conv2d",
                "input": [1, 24, 24, 3],
                "filter": [3, 3, 3, 8],
                "strides": [1, 2, 2, 1],
                "padding": "SAME",
                "dtype": "float32",
                "filter_dtype": "float64",
            },
        ),
        (
            "nn.conv2d((1, 24, 24, 3), tf.Variable(tf.random.normal([3,3,3,8], dtype=tf.half)), 1,"
            " [[0, 0], [1, 1], (2, -2), [0, 0]], data_format=None, name='c', dilations=None)",
            {
                "op": "conv2d",
                "input": [1, 24, 24, 3],
                "filter": [3, 3, 3, 8],
                "strides": 1,
                "padding": [[0, 0], [1, 1], [2, -2], [0, 0]],
                "dtype": "float16",
            },
        ),
        (
            f"tf.raw_ops.Conv2D(input={X}, filter={W}, strides=[1,1,1,1], padding='EXPLICIT', "
            "explicit_paddings=[0,0,1,1,2,2,0,0], use_cudnn_on_gpu=False)",
            {
                "op": "conv2d",
                "via": "tf.raw_ops.Conv2D",
                "input": [1, 24, 24, 3],
                "filter": [3, 3, 3, 8],
                "strides": [1, 1, 1, 1],
                "padding": [[0, 0], [1, 1], [2, 2], [0, 0]],
            },
        ),
        (
            f"tf.nn.conv2d([[[[1.], [2.5]]]], {W}, 1, 'same')",
            {
                "op": "conv2d",
                "input": {"values": [[[[1.0], [2.5]]]]},
                "filter": [3, 3, 3, 8],
                "strides": 1,
                "padding": {"verbatim": "same"},
            },
        ),
        (
            f">>> y = tf.nn.depthwise_conv2d({X}, {W}, 2,\n...   'SAME')",
            {
                "op": "depthwise_conv2d",
                "input": [1, 24, 24, 3],
                "filter": [3, 3, 3, 8],
                "strides": {"verbatim": 2},
                "padding": "SAME",
            },
        ),
    ],
)
def test_code_becomes_a_case(code, keys):
    assert keys_of(code) == keys


@pytest.mark.parametrize(
    ("x", "w", "dtypes", "assumed"),
    [
        ("tf.ones([1,9,9,2])", "tf.ones([3,3,2,4], tf.float64)", ("float32", "float64"), None),
        ("tf.ones([1,9,9,2], tf.float64)", "tf.ones([3,3,2,4])", ("float64", "float32"), None),
        ("tf.random.normal([1,9,9,2], 0., 1., tf.half)", "keras.random.normal([3,3,2,4])",
         ("float16", "float32"), None),
        ("tf.constant(1., shape=[1,9,9,2])", "tf.Variable(tf.zeros([3,3,2,4]))", ("float32", None),
         None),
        ("tf.constant(1, shape=[1,9,9,2])", "tf.cast(np.ones([3,3,2,4]), tf.int32)",
         ("int32", None), None),
        ("tf.compat.v1.placeholder(tf.half, [1,9,9,2])", "np.zeros([3,3,2,4], np.float16)",
         ("float16", None), None),
        ("rng.normal(size=[1,9,9,2])", "np.random.rand(3,3,2,4)", ("float64", None), None),
        ("x[1,9,9,2]", "tf.ones([3,3,2,4], tf.float16)", ("float16", None),
         "the dtype of input, which the code lacks, is that of filter"),
        ("tf.ones([1,9,9,2])", "w[3,3,2,4]", ("float32", None),
         "the dtype of filter, which the code lacks, is that of input"),
        ("x[1,9,9,2]", "w[3,3,2,4]", (None, None), None),
    ],
)  # fmt: skip
def test_dtypes_are_those_of_the_code(x, w, dtypes, assumed):
    pasted = read_pasted({"op": f"tf.nn.conv2d({x}, {w}, 1, 'SAME')"})
    case = pasted.written.case
    assert (case.get("dtype"), case.get("filter_dtype")) == dtypes
    assert pasted.assumed == assumed


def test_options_complete_the_code():
    code = "tf.nn.conv2d(x, w, strides=2, padding='SAME')"
    keys = keys_of(code, **SHAPES, modes="eager", data_format="NCHW")
    assert (keys["input"], keys["filter"]) == ([1, 9, 8, 2], [3, 3, 2, 3])
    assert (keys["modes"], keys["data_format"]) == ("eager", "NCHW")
    assert keys_of("x = Conv2D(4, 3)(x)", input="1,9,8,2")["input"] == [1, 9, 8, 2]


def test_the_raw_operators_default_for_amounts():
    code = f"raw_ops.DepthwiseConv2dNative(input={X}, filter={W}, strides=[1,1,1,1],"
    keys = keys_of(code + " padding='SAME', explicit_paddings=[])")
    assert keys["padding"] == "SAME"


SNIPPET = """
    import tensorflow as tf

    s = 2
    unused = tf.zeros([4])
    x = np.ones([1, 24, 24, 3], dtype=np.float32)
    x = tf.constant(x)
    w = tf.random.normal([3, 3, 3, 8], dtype=tf.float16)
    y = tf.nn.conv2d(x, w, strides=[1, s, s, 1], padding="SAME")
    print(y.shape)
"""


def test_variables_that_are_assigned_before_the_call():
    pasted = read_pasted({"op": SNIPPET})
    assert pasted.written.case == {
        "id": "tried",
        "op": "conv2d",
        "input": [1, 24, 24, 3],
        "filter": [3, 3, 3, 8],
        "strides": [1, 2, 2, 1],
        "padding": "SAME",
        "dtype": "float32",
        "filter_dtype": "float16",
    }
    assert pasted.left_out == {"unused": "not in the call"}
    layer = "x = tf.zeros([1, 9, 9, 2])\nlayer = Conv2D(4, 3)\nx = layer(x)"
    assert keys_of(layer)["input"] == [1, 9, 9, 2]
    assert keys_of("w = w0\nx = x0\nconv2d(x, w, 1, 'SAME')", **SHAPES)["filter"] == [3, 3, 2, 3]


def test_the_pointwise_filter_of_a_separable_layer_is_left_out():
    pasted = read_pasted({"op": "SeparableConv2D(16, 3)(x[1,32,32,3])"})
    assert pasted.left_out == {"filters": "an identity takes the place of the pointwise filter"}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "x = load()\ny = tf.nn.conv2d(x, w[3,3,3,8], 1, 'SAME')",
            "line 1, column 5: the shape of load() is not in the code; write x[1,24,24,3] in its "
            "place, or a name such as x with --input 1,24,24,3",
        ),
        (
            "x = tf.ones([1,9,9,3])\nfor w in ws:\n  tf.nn.conv2d(x, w, 1, 'SAME')\ny",
            "line 2, column 1: expected an assignment to one variable, such as x = "
            "tf.ones([1,24,24,3]), before one call",
        ),
        (
            "x, w = a, b\ntf.nn.conv2d(x, w, 1, 'SAME')",
            "line 1, column 1: expected an assignment to one variable, such as x = "
            "tf.ones([1,24,24,3]), before one call",
        ),
        (
            "x = tf.ones([1,9,9,3])\ntf.nn.conv2d(x[0], w[3,3,3,8], 1, 'SAME')",
            "line 2, column 14: the shape of x[0] is not in the code; write x[1,24,24,3] in its "
            "place, or a name such as x with --input 1,24,24,3",
        ),
        (
            "x = [1, 1]\n" + "x = [x, x]\n" * 20 + "tf.nn.conv2d(x, x, 1, 'SAME')",
            "line 11, column 1: this has more than 10,000 expressions in all",
        ),
        (
            "x = [1]\n" + "x = [x]\n" * 50 + "tf.nn.conv2d(x, x, 1, 'SAME')",
            "line 1, column 6: the code is nested more than 40 levels deep",
        ),
    ],
)
def test_what_is_wrong_before_the_call_has_a_place(code, said):
    with pytest.raises(OptionError) as error:
        read_pasted({"op": code})
    assert str(error.value).split("\n")[0] == said


def test_an_option_does_not_contradict_the_code():
    with pytest.raises(OptionError, match=r"\A--strides: the code gives it; change it there\Z"):
        read_pasted({"op": BLOG, "strides": "2"})
    with pytest.raises(OptionError, match=r"\A--rate: the code gives it"):
        read_pasted({"op": BLOG, "rate": "2"})
    code = f"tf.nn.conv2d({X}, tf.ones([3,3,3,8]), 1, 'SAME')"
    with pytest.raises(OptionError, match=r"\A--filter-dtype: the code gives it"):
        read_pasted({"op": code, "filter_dtype": "half"})


def test_the_command_for_a_filter_of_another_dtype(capsys):
    code = "tf.nn.conv2d(tf.ones([1,9,9,3]), tf.zeros([3,3,3,8], tf.half), 1, 'SAME')"
    words = shlex.split(command(read_pasted({"op": code}).written, "explain"))
    assert "--filter-dtype=float16" in words
    assert main(words[1:]) == 0
    assert "w  float16 of shape [3, 3, 3, 8]" in capsys.readouterr().out


def shapes(entry):
    """Shapes of input and filter for an entry point."""
    return SHAPES if entry.dimensions == 2 else {"input": "1,9,2", "filter": "3,2,3"}


def combinations():
    """Calls of every entry point, as options."""
    for entry in ENTRY_POINTS.values():
        for strides, rate, padding in itertools.product("12", "12", ("SAME", "VALID")):
            options = {**shapes(entry), "op": entry.op, "via": entry.symbol}
            options |= {"strides": strides, "padding": padding}
            if rate != "1" or entry.needs_dilations:
                options["rate"] = rate
            yield entry, options


def test_the_code_that_is_printed_reads_as_the_same_call():
    read = set()
    for entry, options in combinations():
        try:
            arguments = read_case(options).arguments
        except OptionError:  # tf.nn.atrous_conv2d with a stride
            continue
        given = dict(shapes(entry))
        if entry.computes is not None:
            given["upstream"] = ",".join(map(str, data.result_shape(arguments)))
            del given[entry.computes]
        if entry.is_layer:
            del given["filter"]
        again = read_pasted({"op": source(arguments)[0], **given}).written.arguments
        again = replace(again, upstream=None, padding=padding_of(again))
        assert again == replace(arguments, padding=padding_of(arguments))
        read.add(entry.symbol)
    assert read == ENTRY_POINTS.keys()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            f"tf.nn.conv2d(x, {W}, 1, 'SAME')",
            "column 14: x has no shape; write x[1,24,24,3], or give --input 1,24,24,3",
        ),
        (
            "tf.nn.conv1d(x, w[3,3,8], padding='SAME')",
            "column 1: tf.nn.conv1d needs stride; write stride=1",
        ),
        (
            "tf.nn.conv1d(x, w[3,3,8], 1, 'SAME')",
            "column 14: x has no shape; write x[1,24,3], or give --input 1,24,3",
        ),
        (
            "tf.keras.layers.Conv1D(8, [3, 3])(x[1,24,3])",
            "column 27: expected an integer, or a list of one",
        ),
        (
            f"tf.nn.conv2d({X}, model.w, 1, 'SAME')",
            "column 28: the shape of model.w is not in the code; write x[1,24,24,3] in its place, "
            "or a name such as x with --filter 1,24,24,3",
        ),
        (
            f"tf.nn.conv2d(tf.constant(image), {W}, 1, 'SAME')",
            "column 14: tf.constant(image) has no shape; give --input 1,24,24,3",
        ),
        (
            f"tf.nn.conv2d({X}, {W}, stride=2, padding='SAME')",
            "column 40: tf.nn.conv2d has no parameter stride; did you mean strides?",
        ),
        (
            f"tf.nn.conv2d({X}, {W},\n  strides=n,\n  padding='SAME')",
            "line 2, column 11: expected an integer; got n",
        ),
        (
            f"tf.nn.conv2d({X}, {W}, 1)",
            'column 1: tf.nn.conv2d needs padding; write padding="VALID"',
        ),
        (
            f"tf.nn.depthwise_conv2d({X}, {W}, padding='SAME')",
            "column 1: tf.nn.depthwise_conv2d needs strides; write strides=[1, 1, 1, 1]",
        ),
        (f"tf.nn.conv2d({X}, strides=1, padding='SAME')", "column 1: tf.nn.conv2d needs filter"),
        (
            "tf.nn.conv2d(x[None,24,24,3], w[3,3,3,8], 1, 'SAME')",
            "column 16: a call needs every size; write a number, and --unknown for a size that a "
            "traced function does not know",
        ),
        (
            f"tf.nn.conv2d({X}, {W}, 1, 'SAME', *rest)",
            "column 51: the values of * are not in the code; write the arguments out",
        ),
        (
            f"tf.nn.conv2d({X}, {W}, **kwargs)",
            "column 42: the values of ** are not in the code; write the arguments out",
        ),
        (
            f"tf.nn.conv2d({X}, {W}, 1, 'SAME', strides=2)",
            "column 51: strides is given twice",
        ),
        (
            "torch.nn.functional.conv2d(x, w)",
            "column 1: torch.nn.functional.conv2d is not an entry point; this suite calls "
            "TensorFlow; write the call with tf.nn.conv2d or tf.compat.v1.nn.conv2d",
        ),
        (
            f"tf.nn.relu(tf.nn.conv2d({X}, {W}, 1, 'SAME'))",
            "column 1: tf.nn.relu is not a convolution; give tf.nn.conv2d(…) alone",
        ),
        (
            f"tf.nn.conv2(x[1,9,9,3], {W}, 1, 'SAME')",
            "column 1: tf.nn.conv2 is not an entry point; did you mean "
            "tf.nn.conv2d or tf.compat.v1.nn.conv2d?",
        ),
        (
            "tf.nn.conv2d_transpose(tf.ones([1,4,4,8], tf.half), tf.ones([3,3,2,8]), [1,8,8,2], 2)",
            "column 24: its dtype is float16, and that of the other tensor float32; no case has "
            "such an upstream gradient",
        ),
        (
            f"raw_ops.Conv2D(x[1,9,9,3], {W}, [1,1,1,1], 'SAME')",
            "column 16: tf.raw_ops.Conv2D takes its arguments by name; write input=x[1,9,9,3]",
        ),
        (
            f"raw_ops.Conv2D(input={X}, filter={W}, strides=[1,1,1,1], padding='SAME', "
            "explicit_paddings=[0])",
            'column 108: the raw operator takes amounts only with padding="EXPLICIT"',
        ),
        (
            f"tf.nn.conv2d({X}, {W}, strides=12345678901234567890123456789, padding='SAME')",
            "column 48: a number of more than 20 digits is out of range",
        ),
        (
            f"tf.nn.conv2d([[[[0x{'f' * 5000}]]]], {W}, 1, 'SAME')",
            "column 18: a number of more than 20 digits is out of range",
        ),
        (
            f"tf.nn.conv2d(x[-1,24,24,3], {W}, 1, 'SAME')",
            "column 16: -1 is out of range; a size must be at least 0",
        ),
        (
            "Conv2D(-3, 3)(x[1,9,9,2])",
            "column 8: -3 is out of range; a size must be at least 0",
        ),
        (
            "DepthwiseConv2D((3, -2))(x[1,9,9,2])",
            "column 21: -2 is out of range; a size must be at least 0",
        ),
        ("tf.nn.conv2d(x", "column 13: this is not Python: '(' was never closed"),
        ("Conv2D(8, 3)", "column 1: the layer has no input; write Conv2D(…)(x[1,24,24,3]), or give "
         "--input 1,24,24,3"),
        (
            "Conv2D(8, 3, groups=5)(x[1,9,9,3])",
            "column 21: 3 channels of the input do not divide into 5 groups",
        ),
        ("Conv2D(8)(x[1,9,9,3])", "column 1: tf.keras.layers.Conv2D needs kernel_size"),
        (
            "Conv2D(8, 3)(x[9,9,3])",
            "column 14: expected four sizes for the layer's input, as in 1,24,24,3; got [9, 9, 3]",
        ),
        (
            f"tf.nn.conv2d({X}, {W}, True, 'SAME')",
            "column 40: expected an integer; got True",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_its_place(code, said):
    with pytest.raises(OptionError) as error:
        read_pasted({"op": code})
    first, line, caret = str(error.value).split("\n")
    assert first == said
    assert caret.strip() == "^"
    assert code.split("\n")[int("line 2" in said)].strip() in line or len(code) > 72


def test_a_value_that_is_wrong_is_named_by_its_key():
    with pytest.raises(OptionError, match=r"\A`input`\[1\]: 99999999999 is out of range"):
        read_pasted({"op": f"tf.nn.conv2d(x[1,99999999999,24,3], {W}, 1, 'SAME')"})


@pytest.mark.parametrize(
    "code",
    [
        "f(" * 5000,
        "tf.nn.conv2d(" + "-" * 5000 + "1)",
        "tf.nn.conv2d(" + "[" * 150 + "]" * 150 + ")",
        "tf.nn.conv2d(x.a" + ".a" * 2000 + ")",
        "tf.nn.conv2d(\0)",
        "tf.nn.conv2d(x[" + "9" * 5000 + "])",
        "tf.nn.conv2d(" + "1," * 6000 + ")",
        "a(1); b(2)",
        "import f; print(x)",
        "()",
        "__import__('os').system('true')",
        "(lambda: 0)(x)",
        "tf.nn.conv2d('\u202e', [[[['x']]]], 1)",
    ],
)
def test_nonsense_is_refused_in_a_few_lines(code):
    with pytest.raises(OptionError) as error:
        read_pasted({"op": code})
    message = str(error.value)
    assert len(message) < 1500
    assert message.replace("\n", "").isprintable()


def test_what_was_read_is_shown(capsys):
    code = "Conv2D(8, 3, activation=act(), name='c')(x[1,9,9,3])"
    assert main(["explain", code]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "The call as it was read\n"
        "  op        conv2d\n"
        "  via       tf.keras.layers.Conv2D\n"
        "  input     [1, 9, 9, 3]\n"
        "  filter    [3, 3, $in_channels, 8]\n"
        "  padding   valid\n"
        "  left out  activation, name: not part of the convolution\n"
        "\n"
        "  layer = "
    )
    assert main(["explain", "tf.nn.conv2d(x, w, 1, 'SAME')"]) == 2
    assert capsys.readouterr() == (
        "",
        "tf-conv-conformance: column 14: x has no shape; write x[1,24,24,3], or give --input "
        "1,24,24,3\n  tf.nn.conv2d(x, w, 1, 'SAME')\n               ^\n",
    )


@pytest.mark.tensorflow
def test_the_parameters_are_those_of_tensorflow():
    import keras
    import tensorflow as tf

    for symbol, names in SIGNATURES.items():
        target = keras if symbol.startswith("keras.") else tf
        for part in symbol.split(".")[1:]:
            target = getattr(target, part)
        documented = [name for name in inspect.signature(target).parameters if name != "kwargs"]
        in_order = documented.index("use_bias") + 1 if "use_bias" in documented else None
        assert list(names[:in_order]) == documented[:in_order], symbol
        assert set(documented) <= set(names), symbol
