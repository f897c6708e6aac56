"""Entry points: each reaches its operator with its own parameter names, and the printed program
does the same.
"""

import json
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.convolution import company
from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.convolution.company import Operation
from tf_conv_conformance.convolution.dtypes import as_numbers
from tf_conv_conformance.convolution.entry_points import ENTRY_POINTS
from tf_conv_conformance.convolution.invocation import keywords
from tf_conv_conformance.convolution.names import SYMBOLS, Through
from tf_conv_conformance.convolution.obstacles import obstacle
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Returns, predict
from tf_conv_conformance.prediction.reproduction import python
from tf_conv_conformance.subject import worker
from tf_conv_conformance.verdict.requests import request

FILTER = TensorSpec((3, 2, 2, 3))
BASE = {
    "conv2d": Arguments("conv2d", TensorSpec((1, 7, 6, 2)), FILTER, 1, "SAME", 2),
    "depthwise_conv2d": Arguments(
        "depthwise_conv2d", TensorSpec((1, 7, 6, 2)), FILTER, (1, 1, 1, 1), "SAME", (2, 2)
    ),
}
WITHOUT_HEIGHT = {
    "input": TensorSpec((1, 6, 2)), "filter": TensorSpec((2, 2, 3)), "strides": 1, "dilations": 2
}  # fmt: skip
FORMS = {
    "tf.raw_ops.Conv2D": {"strides": (1, 1, 1, 1), "dilations": (1, 2, 2, 1)},
    "tf.raw_ops.DepthwiseConv2dNative": {"dilations": (1, 1, 1, 1)},
    "tf.nn.convolution": {"strides": (1, 1), "dilations": (2, 2)},
    "tf.keras.layers.DepthwiseConv2D": {"strides": 1, "dilations": 2},
    "keras.ops.depthwise_conv": {"strides": 1, "dilations": 2},
    "tf.nn.conv1d": WITHOUT_HEIGHT,
    "tf.keras.layers.Conv1D": {**WITHOUT_HEIGHT, "padding": "causal"},
    "tf.keras.layers.SeparableConv2D": {"strides": 1, "dilations": 2},
    "tf.keras.layers.DepthwiseConv1D": WITHOUT_HEIGHT,
}
ALL = [
    replace(BASE[entry.op], via=entry.symbol, **FORMS.get(entry.symbol, {}))
    for entry in ENTRY_POINTS.values()
    if entry.computes is None
]
GRADIENT_OPERATORS = [
    replace(
        BASE[entry.op],
        via=entry.symbol,
        gradient=entry.computes,
        strides=1 if entry.strides_form is None else (1, 2, 2, 1),
        dilations=2 if entry.needs_dilations else None,
    )
    for entry in ENTRY_POINTS.values()
    if entry.computes is not None
]


def test_the_worker_knows_the_same_entry_points():
    assert tuple(ENTRY_POINTS) == SYMBOLS == worker.FUNCTIONS
    assert tuple(company.SYMBOLS.values()) == worker.AROUND


@pytest.mark.parametrize(
    "arguments", [*ALL, *GRADIENT_OPERATORS], ids=lambda arguments: arguments.via
)
@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_every_entry_point_computes_the_documented_values(tensorflow, arguments, mode):
    assert isinstance(predict(arguments).documented, Returns)
    arm = predict(arguments).arms[0]
    made = request(arguments, mode, [arm.arrays(arguments)])
    (answer,) = tensorflow.call(made.head, made.arrays).answers
    assert answer.error is None, answer.message
    assert np.array_equal(
        as_numbers(answer.values, answer.dtype),
        predict(arguments).values(DOCUMENTED)[0].numbers,
    )


NCHW = {"input": TensorSpec((1, 2, 7, 6)), "data_format": "NCHW"}
GRADIENTS = [
    replace(arguments, gradient=tensor, dilations=None)
    for arguments in ALL
    for tensor in ("input", "filter")
]
GRADIENTS = [one for one in GRADIENTS if obstacle(one) is None]
GROUPED = replace(
    BASE["conv2d"],
    via="tf.keras.layers.Conv2D",
    input=TensorSpec((1, 7, 6, 4)),
    filter=TensorSpec((3, 2, 2, 4)),
)
OTHERS = [
    *(
        replace(one, dtype=dtype)
        for one in ALL[4:6]
        for dtype in ("float16", "bfloat16", "float64")
    ),
    replace(GROUPED, padding="same"),
    replace(
        BASE["conv2d"],
        input=TensorSpec((1, 2, 2, 2), tuple(range(8))),
        padding=((0, 0), (1, 2), (3, 0), (0, 0)),
    ),
]
IN_XLA = [  # on a CPU without oneDNN the other modes have no NCHW
    replace(ALL[5], **NCHW),
    replace(next(one for one in ALL if one.via == "keras.ops.depthwise_conv"), **NCHW),
    replace(GROUPED, input=TensorSpec((1, 4, 7, 6)), data_format="NCHW", gradient="filter"),
]
THROUGH = [
    one
    for by in (None, "input", "filter")
    for through in get_args(Through)
    if obstacle(one := replace(BASE["conv2d"], gradient=by, through=through, dilations=None))
    is None
]
HELD = [
    (replace(BASE[op], variables=names), mode)
    for op, names, mode in (
        ("conv2d", ("filter",), "eager"),
        ("conv2d", ("input", "captured_filter"), "graph"),
        ("depthwise_conv2d", ("captured_input", "captured_filter"), "xla"),
        ("depthwise_conv2d", ("captured_filter",), "saved_model"),
    )
]
IN_COMPANY = replace(
    BASE["conv2d"],
    dilations=None,
    gradient="input",
    before=(Operation("pad", ((0, 0), (1, 1), (2, 0), (0, 0))),),
    after=(Operation("bias_add"), Operation("add"), Operation("relu")),
)
RELATED = [
    *(
        (name, replace(BASE["depthwise_conv2d"], input=TensorSpec((2, 7, 6, 2))))
        for name in ("grouped", "zero-filled", "explicit")
    ),
    *(
        (name, replace(ALL[5], input=TensorSpec((2, 7, 6, 2))))
        for name in ("linear", "batch", "modes", "again")
    ),
    ("zero-filled", ALL[4]),
    ("translation", replace(BASE["conv2d"], padding="VALID", strides=(1, 2, 1, 1), dilations=None)),
    ("modes", replace(ALL[5], gradient="filter", dilations=None)),
    ("retraced", replace(BASE["conv2d"], gradient="filter", dilations=None)),
    ("retraced", BASE["depthwise_conv2d"]),
    ("threads", replace(BASE["conv2d"], gradient="filter", dilations=None)),
    ("retraced", IN_COMPANY),
]


def programs():
    """Yield each kind of printed program, with the value of `y` in the end or the relation whose
    sides it compares.
    """
    yield from (
        (arguments, "eager", None) for arguments in (*ALL, *GRADIENTS, *GRADIENT_OPERATORS, *OTHERS)
    )
    for arguments in (*ALL, *GRADIENTS, *GRADIENT_OPERATORS):
        if arguments.op == "conv2d" and (
            arguments.entry_point.is_layer or arguments.entry_point.needs_dilations
        ):
            yield from ((arguments, mode, None) for mode in ("graph", "xla"))
    yield from ((arguments, "xla", None) for arguments in IN_XLA)
    yield from ((arguments, "eager", None) for arguments in THROUGH)
    yield from ((arguments, mode, None) for arguments, mode in HELD)
    yield IN_COMPANY, "graph", None
    layer = next(arguments for arguments in ALL if arguments.entry_point.is_layer)
    yield from ((arguments, "saved_model", None) for arguments in (ALL[0], layer))
    yield from ((arguments, "graph", name) for name, arguments in RELATED)
    yield replace(BASE["conv2d"], input=TensorSpec((2, 7, 6, 2))), "xla", "transposed"


RUN_EACH = """
import json, pathlib, runpy
import numpy as np

results = []
for path in sorted(pathlib.Path().glob("program*.py")):
    printed = []
    values = runpy.run_path(str(path), {"print": lambda *values: printed.append(values)})
    if path.stem.endswith("relation"):
        results.append([bool(printed[0][1]), float(printed[1][1])])
    else:
        results.append(values["y"].numpy().astype(np.float64).tolist())
json.dump(results, open("results.json", "w"))
"""


@pytest.mark.tensorflow
def test_every_printed_program_runs_and_computes_the_same(pytester, monkeypatch):
    """All programs run in one process, since importing TensorFlow takes longer than they do.

    Each is a file of its own: AutoGraph reads the whole file of each function that it traces.
    """
    expected = []
    for number, (arguments, mode, relation) in enumerate(programs()):
        assert obstacle(arguments) is None
        arm = predict(arguments).arms[0]
        text = python(arguments, mode, arm, relation)
        name = f"program{number:03}{'_relation' if relation else ''}.py"
        pytester.path.joinpath(name).write_text(text, encoding="utf-8")
        values = predict(arguments).values(DOCUMENTED)[0].numbers.tolist()
        expected.append([True, 0.0] if relation else values)
    temporary = pytester.mkdir("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    result = pytester.runpython(pytester.makepyfile(run_each=RUN_EACH))
    left = {path.name for path in temporary.iterdir() if path.is_dir()}
    assert left <= {"__pycache__"}, "a program leaves its folder"  # that is of TensorFlow's sources
    assert result.ret == 0, result.stderr.str()
    found = json.loads((pytester.path / "results.json").read_text())
    wrong = [
        program
        for program, one, other in zip(programs(), found, expected, strict=True)
        if one != other
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("via", "changes", "expected"),
    [
        (
            "tf.compat.v1.nn.depthwise_conv2d",
            {},
            {"strides": [1, 1, 1, 1], "padding": "SAME", "rate": [2, 2]},
        ),
        ("tf.nn.atrous_conv2d", {}, {"rate": 2, "padding": "SAME"}),
        (
            "tf.keras.layers.Conv2D",
            {"data_format": "NCHW"},
            {"strides": 1, "padding": "SAME", "dilation_rate": 2, "data_format": "channels_first"},
        ),
        (
            "tf.raw_ops.Conv2D",
            {"padding": ((0, 0), (1, 2), (3, 0), (0, 0)), "dilations": None},
            {"strides": 1, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 3, 0, 0, 0]},
        ),
    ],
)
def test_keywords_have_the_names_of_the_entry_point(via, changes, expected):
    base = BASE[ENTRY_POINTS[via].op]
    assert keywords(replace(base, via=via, **changes)) == expected


def case(**changes):
    fields = {
        "id": "x",
        "op": "conv2d",
        "input": "[1, 7, 6, 2]",
        "filter": "[3, 2, 2, 3]",
        "strides": "2",
        "padding": "SAME",
        **changes,
    }
    return "cases:\n  - {" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}\n"


@pytest.mark.parametrize(
    ("via", "rate", "strides", "dilations"),
    [
        ("tf.raw_ops.Conv2D", "3", (1, 2, 2, 1), (1, 3, 3, 1)),
        ("tf.nn.convolution", "3", (2, 2), (3, 3)),
        ("tf.keras.layers.Conv2D", "3", 2, 3),
        ("tf.nn.atrous_conv2d", "[3, 3]", 1, (3, 3)),
    ],
)
def test_an_integer_is_expanded_to_the_list_of_the_entry_point(
    calls, via, rate, strides, dilations
):
    given = 1 if via == "tf.nn.atrous_conv2d" else 2  # which takes no other
    arguments = calls(case(via=via, rate=rate, strides=given))["x[eager]"].arguments
    assert (arguments.strides, arguments.dilations) == (strides, dilations)


def test_an_entry_point_of_the_other_operator_is_refused():
    (diagnostic,) = load_text(case(via="tf.nn.separable_conv2d")).diagnostics
    assert diagnostic.key == "cases[0].via"
    assert (
        "tf.nn.separable_conv2d is not an entry point of conv2d; these are: tf.nn.conv2d"
        in diagnostic.message
    )


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"through": "jacobian"}, "through", "name it as `gradient`"),
        ({"through": "batch_jacobian", "gradient": "filter"}, "through", "write `jacobian`"),
        (
            {"through": "gradient_by_input", "gradient": "input"},
            "through",
            "is linear in its input, so this second derivative is 0; write the other tensor",
        ),
        ({"through": "forward_accumulator", "dtype": "int32"}, "through", "not in int32"),
        ({"through": "vectorized_map", "unknown": "batch"}, "unknown", "leave `through` out"),
        ({"through": "recompute_grad", "via": "keras.ops.conv"}, "through", "belongs to Keras"),
        ({"through": "recompute_grad", "via": "tf.nn.conv2d_transpose"}, "through", "computes a"),
        (
            {"variables": "filter", "through": "jacobian", "gradient": "input"},
            "through",
            "keep one",
        ),
        ({"variables": "filter", "unknown": "batch"}, "unknown", "keep one"),
        ({"variables": "[filter, captured_filter]"}, "variables", "gets the filter once"),
        ({"variables": "input", "via": "tf.nn.conv2d_transpose"}, "variables", "only the shape"),
        ({"variables": "filter", "via": "keras.ops.conv"}, "variables", "belongs to Keras"),
        ({"variables": "filter", "modes": "saved_model"}, "modes", "name a captured variable"),
        ({"variables": "captured_filter", "modes": "onnx"}, "modes", "model has no variables"),
        ({"op_name": "mine", "gradient": "input", "modes": "graph"}, "op_name", "leave it out"),
        (
            {"op_name": "mine", "via": "keras.ops.conv", "modes": "graph"},
            "op_name",
            "without a name",
        ),
        ({"op_name": "mine", "modes": "eager"}, "modes", "it has no TensorFlow graph"),
        ({"through": "vectorized_map", "modes": "onnx"}, "modes", "has no transformation"),
        (
            {"through": "jacobian", "gradient": "input", "input": "[1, 99, 99, 2]"},
            "",
            "the Jacobian has 1 × 50 × 50 × 3 × 1 × 99 × 99 × 2 = 147,015,000 elements; the limit",
        ),
    ],
)
def test_what_does_not_lead_to_the_result_is_refused(changes, key, said):
    (diagnostic,) = load_text(case(**changes)).diagnostics
    assert diagnostic.key == ".".join(["cases[0]", *([key] if key else [])])
    assert said in diagnostic.message


def test_naming_the_default_entry_point_changes_nothing(calls):
    assert (
        calls(case(via="tf.nn.conv2d"))["x[eager]"].arguments == calls(case())["x[eager]"].arguments
    )


def test_the_worker_runs_only_known_functions(tensorflow):
    head = {
        "type": "call",
        "function": "tf.io.gfile.remove",
        "keywords": {},
        "gradient": None,
        "dtypes": [],
        "mode": "eager",
    }
    assert tensorflow.call(head, []).kind == "suite error"
    tensorflow.call({**head, "function": "tf.nn.conv2d"}, [])


@pytest.mark.parametrize(
    ("changes", "key", "why"),
    [
        ({"via": "tf.nn.atrous_conv2d", "strides": 1}, "rate", "needs a rate; write `rate: 1`"),
        ({"via": "tf.nn.atrous_conv2d", "rate": 2}, "strides", "takes no strides"),
        (
            {"via": "tf.nn.atrous_conv2d", "rate": 2, "strides": 1, "data_format": "NCHW"},
            "data_format",
            "takes no data_format",
        ),
        ({"via": "tf.nn.convolution", "filter": "[3, 2, 3]"}, "filter", "give a filter of rank 4"),
        (
            {"via": "tf.raw_ops.Conv2D", "padding": "{verbatim: EXPLICIT}"},
            "padding",
            "write a pair for each dimension",
        ),
        ({"via": "tf.keras.layers.Conv2D", "input": "[]"}, "input", "an input of rank 0 has none"),
        (
            {"via": "tf.keras.layers.Conv2D", "filter": "[3, 2, 3, 4]"},
            "filter",
            "do not divide 2",
        ),
        (
            {"via": "tf.keras.layers.Conv2D", "filter": "[3, 2, 2, 0]"},
            "filter",
            "sizes of 1 or more",
        ),
        (
            {"via": "tf.keras.layers.Conv2D", "filter_dtype": "half"},
            "filter_dtype",
            "leave `filter_dtype` out",
        ),
        ({"via": "tf.keras.layers.Conv2D", "dtype": "int32"}, "dtype", "use a floating dtype"),
        *(
            ({"via": via, "unknown": "rank", "modes": "graph"}, "unknown", "leave `rank` out")
            for via in ("tf.keras.layers.Conv2D", "keras.ops.conv")
        ),
        ({"padding": "same"}, "padding", "write SAME, or {verbatim: same}"),
    ],
)
def test_arguments_that_an_entry_point_cannot_take_are_refused(changes, key, why):
    (diagnostic,) = load_text(case(**changes)).diagnostics
    assert diagnostic.key == ("cases[0]" if key == "rate" else f"cases[0].{key}")
    assert why in diagnostic.message


def test_a_diagnostic_in_a_sweep_names_the_combination():
    text = case(via="tf.nn.atrous_conv2d", rate=1).replace("strides: 2", "sweep: {strides: [1, 2]}")
    (diagnostic,) = load_text(text).diagnostics
    assert diagnostic.key == "cases[0].sweep.strides"
    assert diagnostic.message.startswith("strides2: tf.nn.atrous_conv2d takes no strides")
