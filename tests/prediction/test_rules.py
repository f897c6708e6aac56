"""Each precondition has a call that keeps it and one that breaks it; the installed documentation
has each phrase.
"""

import math
from dataclasses import replace

import pytest

from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec
from tf_conv_conformance.prediction.predict import Refuses, Returns, predict
from tf_conv_conformance.prediction.rules.catalogue import RULES, broken, exercised, refusal
from tf_conv_conformance.prediction.rules.page import page
from tf_conv_conformance.prediction.rules.sentences import VERSION, kept, quoted, sentence

CONV2D = Arguments(
    "conv2d", TensorSpec((2, 9, 8, 3)), TensorSpec((3, 2, 3, 4)), (1, 2, 2, 1), "SAME", (2, 2)
)
DEPTHWISE = Arguments(
    "depthwise_conv2d",
    TensorSpec((2, 9, 8, 3)),
    TensorSpec((3, 2, 3, 4)),
    (1, 1, 1, 1),
    "SAME",
    (2, 2),
)
CONV1D = Arguments("conv2d", TensorSpec((2, 9, 3)), TensorSpec((3, 3, 4)), 1, "SAME", 2)
BY_INPUT = replace(CONV2D, gradient="input", dilations=(1, 2, 2, 1))
BY_FILTER = replace(BY_INPUT, gradient="filter")
DEPTHWISE_BY_INPUT = replace(DEPTHWISE, gradient="input", dilations=(1, 2, 2, 1))
DEPTHWISE_BY_FILTER = replace(DEPTHWISE_BY_INPUT, gradient="filter")
EXPLICIT = ((0, 0), (1, 2), (3, 0), (0, 0))

LISTS_OF_4 = [
    *("raw-conv2d", "raw-conv2d-input", "raw-conv2d-filter", "v1-conv2d-input", "v1-conv2d-filter"),
    *("raw-depthwise", "raw-depthwise-input", "raw-depthwise-filter"),
    *("depthwise-input", "depthwise-filter"),
]
"""The entry points that take a list of four dilations."""
ONE_DIMENSIONAL = ["conv1d", "keras-conv1d", "keras-depthwise1d"]
BASES = {
    "conv2d": CONV2D,
    "v1-conv2d": replace(CONV2D, via="tf.compat.v1.nn.conv2d"),
    "raw-conv2d": replace(CONV2D, via="tf.raw_ops.Conv2D", dilations=(1, 2, 2, 1)),
    "convolution": replace(CONV2D, via="tf.nn.convolution", strides=(1, 1)),
    "atrous": replace(CONV2D, via="tf.nn.atrous_conv2d", strides=1, dilations=2),
    "keras-conv2d": replace(CONV2D, via="tf.keras.layers.Conv2D", strides=2, dilations=1),
    "depthwise": DEPTHWISE,
    "v1-depthwise": replace(DEPTHWISE, via="tf.compat.v1.nn.depthwise_conv2d"),
    "raw-depthwise": replace(
        DEPTHWISE, via="tf.raw_ops.DepthwiseConv2dNative", dilations=(1, 2, 2, 1)
    ),
    "separable": replace(DEPTHWISE, via="tf.nn.separable_conv2d"),
    "keras-depthwise": replace(
        DEPTHWISE, via="tf.keras.layers.DepthwiseConv2D", strides=1, dilations=2
    ),
    "keras-ops-conv": replace(CONV2D, via="keras.ops.conv", strides=2),
    "keras-ops-depthwise": replace(DEPTHWISE, via="keras.ops.depthwise_conv", strides=2),
    "conv1d": replace(CONV1D, via="tf.nn.conv1d"),
    "keras-conv1d": replace(CONV1D, via="tf.keras.layers.Conv1D"),
    "keras-depthwise1d": replace(
        CONV1D, op="depthwise_conv2d", via="tf.keras.layers.DepthwiseConv1D"
    ),
    "keras-separable": replace(
        DEPTHWISE, via="tf.keras.layers.SeparableConv2D", strides=1, dilations=2
    ),
    "raw-conv2d-input": replace(BY_INPUT, via="tf.raw_ops.Conv2DBackpropInput"),
    "raw-conv2d-filter": replace(BY_FILTER, via="tf.raw_ops.Conv2DBackpropFilter"),
    "v1-conv2d-input": replace(BY_INPUT, via="tf.compat.v1.nn.conv2d_backprop_input"),
    "v1-conv2d-filter": replace(BY_FILTER, via="tf.compat.v1.nn.conv2d_backprop_filter"),
    "transpose": replace(BY_INPUT, via="tf.nn.conv2d_transpose"),
    "keras-transpose": replace(
        BY_INPUT, via="tf.keras.layers.Conv2DTranspose", strides=1, dilations=2
    ),
    "atrous-transpose": replace(
        BY_INPUT, via="tf.nn.atrous_conv2d_transpose", strides=1, dilations=2
    ),
    "raw-depthwise-input": replace(
        DEPTHWISE_BY_INPUT, via="tf.raw_ops.DepthwiseConv2dNativeBackpropInput"
    ),
    "raw-depthwise-filter": replace(
        DEPTHWISE_BY_FILTER, via="tf.raw_ops.DepthwiseConv2dNativeBackpropFilter"
    ),
    "depthwise-input": replace(DEPTHWISE_BY_INPUT, via="tf.nn.depthwise_conv2d_backprop_input"),
    "depthwise-filter": replace(DEPTHWISE_BY_FILTER, via="tf.nn.depthwise_conv2d_backprop_filter"),
    "padding": DEPTHWISE,
    "gradient": DEPTHWISE,
    "transformation": DEPTHWISE,
    "company": DEPTHWISE,
    **dict.fromkeys(("static-shape", "symbolic-shape", "computed-shape"), DEPTHWISE),
}
"""A call that keeps all rules, by the name with which their ids begin."""

BREAKING = {
    "input-rank": {"input": TensorSpec((9, 8, 3))},
    "input-dtype": {"dtype": "int64"},
    "filter-dtype": {"filter_dtype": "float64"},
    "filter-rank": {"filter": TensorSpec((3, 2, 3))},
    "in-channels": {"filter": TensorSpec((3, 2, 1, 3))},
    "strides-length": {"strides": (1, 1, 1)},
    "strides-positive": {"strides": (1, 0, 0, 1)},
    "unit-batch-and-channel-strides": {"strides": (2, 1, 1, 1)},
    "unit-strides-when-atrous": {"strides": (1, 2, 2, 1)},
    "dilations-length": {"dilations": (1, 1, 1)},
    "dilations-positive": {"dilations": (1, -1)},
    "unit-batch-and-depth-dilations": {"dilations": (2, 1, 1, 1)},
    "data-format": {"data_format": "NHCW"},
    "padding-kind": {"padding": "FULL"},
    "explicit-padding-form": {"padding": EXPLICIT[:3]},
    "only-spatial": {"padding": ((0, 1), *EXPLICIT[1:])},
    "amounts": {"padding": ((0, 0), (-1, 0), (0, 0), (0, 0))},
    "size-exists": {"padding": "VALID", "input": TensorSpec((1, 3, 3, 3))},
    "groups": {"filter": TensorSpec((3, 2, 2, 5))},
    "equal-dilations": {"dilations": (1, 2)},
    "output-padding": {
        "strides": 2,
        "dilations": 1,
        "padding": "VALID",
        "upstream": (2, 3, 3, 4),
    },
    "sizes": {"sizes": (2, 9, 8)},
    "output-shape": {"sizes": (2, 9, 8)},
    "channels": {"filter": TensorSpec((3, 2, 1, 3))},
    "upstream": {"upstream": (2, 5, 4, 3)},
    "rate-integer": {"dilations": (2, 2)},
    "rate-positive": {"dilations": 0},
    # where an entry point wants another form
    **{f"{name}.dilations-positive": {"dilations": (1, -1, 1, 1)} for name in LISTS_OF_4},
    "convolution.strides-positive": {"strides": (0, 1)},
    "convolution.unit-strides-when-atrous": {"strides": (1, 2)},
    "keras-conv2d.unit-strides-when-atrous": {"strides": 2, "dilations": 2},
    "keras-depthwise.unit-strides-when-atrous": {"strides": 2, "dilations": 2},
    "keras-transpose.unit-strides-when-atrous": {"strides": 2, "dilations": 2},
    "keras-separable.unit-strides-when-atrous": {"strides": 2, "dilations": 2},
    **{
        f"{name}.{rule}": changes
        for name in ONE_DIMENSIONAL
        for rule, changes in {
            "input-rank": {"input": TensorSpec((9, 3))},
            "in-channels": {"filter": TensorSpec((3, 1, 3))},
            "filter-rank": {"filter": TensorSpec((3, 3))},
            "input-dtype": {"dtype": "bfloat16"},
            "groups": {"filter": TensorSpec((3, 2, 5))},
            "data-format": {"data_format": "NHWC"},
            "strides-length": {"strides": (1, 1)},
            "strides-positive": {"strides": (1, 0, 1)},
            "unit-strides-when-atrous": {"strides": 2},
            "unit-batch-and-channel-strides": {"strides": (2, 1, 1)},
            "dilations-length": {"dilations": (1, 1)},
            "dilations-positive": {"dilations": -1},
            "unit-batch-and-depth-dilations": {"dilations": (1, 1, 2)},
        }.items()
    },
}
UPSTREAM = "the upstream gradient has the shape [2,5,4,3], but the result of the convolution has "
OF_THREE = "is a list of 3, not"
MISMATCHES = {
    "input-rank": "the input has rank 3, not 4 as documented",
    "input-dtype": "the dtype is int64, not float16, bfloat16, float32 or float64 as documented",
    "filter-dtype": "the filter is float64, but the input is float32",
    "filter-rank": "the filter has rank 3, not 4 as documented",
    "in-channels": "the filter has 1 in_channels, but the input has 3",
    "strides-length": "strides [1,1,1] is a list of 3, not a list of 4 as documented",
    "strides-positive": "strides [1,0,0,1] has 0 for the height and 0 for the width",
    "unit-batch-and-channel-strides": (
        "strides [2,1,1,1] has 2 for the batch and 1 for the channels"
    ),
    "unit-strides-when-atrous": "strides [1,2,2,1] with dilations [2,2]",
    "dilations-length": "dilations [1,1,1] is a list of 3, not a list of 2 as documented",
    "dilations-positive": "dilations [1,-1] has 1 for the height and -1 for the width",
    "unit-batch-and-depth-dilations": (
        "dilations [2,1,1,1] has 2 for the batch and 1 for the channels"
    ),
    "data-format": "data_format is 'NHCW'",
    "padding-kind": "padding FULL",
    "explicit-padding-form": "padding has 3 pairs, not 4 as documented",
    "only-spatial": "padding has [0,1] for the batch and [0,0] for the channels",
    "amounts": "padding [[0,0],[-1,0],[0,0],[0,0]] has a negative amount",
    "size-exists": "the result would have -1 rows and 1 columns",
    "groups": (
        "the filter has 2 in_channels, but the input has 3, and the filter has 5 out_channels"
    ),
    "equal-dilations": "dilations [1,2] has 1 for the height and 2 for the width",
    "output-padding": "output_padding is [2,2] with strides 2",
    "sizes": "input_sizes is [2,9,8], which is no shape of 4 sizes",
    "output-shape": "output_shape is [2,9,8], which is no shape of 4 sizes",
    "channels": "the filter has 1 in_channels, but the input has 3",
    "upstream": UPSTREAM + "[2,5,4,4]",
    # where an entry point documents another form
    "conv2d.input-rank": "the input has rank 3, not 4 or more as documented",
    "raw-conv2d-input.input-dtype": (
        "the dtype is int64, not float16, bfloat16, float32, float64 or int32 as documented"
    ),
    "raw-conv2d.input-dtype": (
        "the dtype is int64, not float16, bfloat16, float32, float64 or int32 as documented"
    ),
    "convolution.input-dtype": (
        "the dtype is int64, not float16, bfloat16, float32, float64 or int32 as documented"
    ),
    "conv2d.strides-length": (
        "strides [1,1,1] is a list of 3, not an integer or a list of 1, 2 or 4 as documented"
    ),
    "v1-conv2d.strides-length": (
        "strides [1,1,1] is a list of 3, not an integer or a list of 1, 2 or 4 as documented"
    ),
    "convolution.strides-length": "strides [1,1,1] is a list of 3, not a list of 2 as documented",
    "convolution.strides-positive": "strides [0,1] has 0 for the height and 1 for the width",
    "convolution.unit-strides-when-atrous": "strides [1,2] with dilations [2,2]",
    "keras-conv2d.strides-length": (
        f"strides [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    "keras-depthwise.strides-length": (
        f"strides [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    "keras-ops-conv.strides-length": (
        f"strides [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    "keras-ops-depthwise.strides-length": (
        f"strides [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    "keras-conv2d.unit-strides-when-atrous": "strides 2 with dilations 2",
    "keras-depthwise.unit-strides-when-atrous": "strides 2 with dilations 2",
    "keras-transpose.unit-strides-when-atrous": "strides 2 with dilations 2",
    "keras-separable.unit-strides-when-atrous": "strides 2 with dilations 2",
    "keras-separable.strides-length": (
        f"strides [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    "keras-separable.dilations-length": (
        f"dilations [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    "conv1d.input-rank": "the input has rank 2, not 3 or more as documented",
    "conv1d.input-dtype": "the dtype is bfloat16, not float16, float32 or float64 as documented",
    "conv1d.filter-rank": "the filter has rank 2, not 3 as documented",
    "conv1d.strides-length": (
        "strides [1,1] is a list of 2, not an integer or a list of 1 or 3 as documented"
    ),
    "conv1d.strides-positive": "strides [1,0,1] has 0 for the width",
    "conv1d.unit-batch-and-channel-strides": (
        "strides [2,1,1] has 2 for the batch and 1 for the channels"
    ),
    "conv1d.dilations-length": (
        "dilations [1,1] is a list of 2, not an integer or a list of 1 or 3 as documented"
    ),
    "conv1d.dilations-positive": "dilations is -1",
    "conv1d.unit-batch-and-depth-dilations": (
        "dilations [1,1,2] has 1 for the batch and 2 for the channels"
    ),
    **{f"{name}.data-format": "data_format is 'NHWC'" for name in ONE_DIMENSIONAL},
    **{
        f"{name}.{rule}": text
        for name in ONE_DIMENSIONAL[1:]
        for rule, text in {
            "input-rank": "the input has rank 2, not 3 as documented",
            "strides-length": (
                "strides [1,1] is a list of 2, not an integer or a list of 1 as documented"
            ),
            "unit-strides-when-atrous": "strides 2 with dilations 2",
            "dilations-length": (
                "dilations [1,1] is a list of 2, not an integer or a list of 1 as documented"
            ),
        }.items()
    },
    "keras-transpose.strides-length": (
        f"strides [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    "keras-transpose.dilations-length": (
        f"dilations [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    "conv2d.dilations-length": (
        "dilations [1,1,1] is a list of 3, not an integer or a list of 1, 2 or 4 as documented"
    ),
    "v1-conv2d.dilations-length": (
        "dilations [1,1,1] is a list of 3, not an integer or a list of 1, 2 or 4 as documented"
    ),
    **{
        f"{name}.dilations-length": f"dilations [1,1,1] {OF_THREE} a list of 4 as documented"
        for name in LISTS_OF_4
    },
    "atrous-transpose.upstream": UPSTREAM + "[2,9,8,4]",
    **{
        f"{name}.upstream": UPSTREAM + "[2,9,8,12]"
        for name in LISTS_OF_4
        if name.partition("-")[0] == "depthwise" or "depthwise-" in name
    },
    **{
        f"{name}.sizes": "filter_sizes is [2,9,8], which is no shape of 4 sizes"
        for name in LISTS_OF_4
        if name.endswith("filter")
    },
    "transpose.dilations-length": (
        f"dilations [1,1,1] {OF_THREE} an integer or a list of 1, 2 or 4 as documented"
    ),
    "transpose.strides-length": (
        f"strides [1,1,1] {OF_THREE} an integer or a list of 1, 2 or 4 as documented"
    ),
    "keras-conv2d.dilations-length": (
        f"dilations [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    "keras-depthwise.dilations-length": (
        f"dilations [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    "keras-ops-conv.dilations-length": (
        f"dilations [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    "keras-ops-depthwise.dilations-length": (
        f"dilations [1,1,1] {OF_THREE} an integer or a list of 2 as documented"
    ),
    **{
        f"{name}.dilations-positive": (
            "dilations [1,-1,1,1] has -1 for the height and 1 for the width"
        )
        for name in LISTS_OF_4
    },
    "rate-integer": "dilations [2,2] is a list of 2, not an integer as documented",
    "rate-positive": "dilations is 0",
}
"""How these calls break the rules, with their own numbers."""
PERMISSIONS = {
    rule for rule in RULES if rule.endswith(".unequal-strides")
}  # they allow, and forbid nothing
PRECONDITIONS = [
    rule for rule in RULES.values() if rule.is_precondition and rule.id not in PERMISSIONS
]


@pytest.mark.parametrize("rule", PRECONDITIONS, ids=lambda rule: rule.id)
def test_a_precondition_is_kept_and_broken(rule):
    name, _, statement = rule.id.partition(".")
    base = BASES[name]
    assert broken(base) == ()
    changes = BREAKING.get(rule.id) or BREAKING[statement]
    if (
        name in ("depthwise", "v1-depthwise", "separable")
        and "strides" in changes
        and statement != "unit-strides-when-atrous"
    ):
        changes = {**changes, "dilations": None}  # with a rate, another rule would apply, too
    breaking = replace(base, **changes)
    assert [one.id for one in broken(breaking)] == [rule.id]
    assert predict(breaking).documented == Refuses((rule.id,))
    assert rule.mismatch(breaking) == (MISMATCHES.get(rule.id) or MISMATCHES[statement])


@pytest.mark.parametrize(
    ("padding", "mismatch"),
    [
        ((), "padding has 0 pairs, not 4 as documented"),
        (EXPLICIT[:1], "padding has 1 pair, not 4 as documented"),
        ((*EXPLICIT, (0, 0)), "padding has 5 pairs, not 4 as documented"),
        ((*EXPLICIT[:2], (1,), (0, 0)), "padding has [1] instead of a pair"),
        ((*EXPLICIT[:2], (1, 2, 3), (0, 0)), "padding has [1,2,3] instead of a pair"),
    ],
)
def test_what_is_wrong_with_explicit_padding_is_counted(padding, mismatch):
    call, rule = replace(CONV2D, padding=padding), RULES["conv2d.explicit-padding-form"]
    assert rule in broken(call)
    assert rule.mismatch(call) == mismatch


def test_one_dimension_has_a_width_only():
    x, w = TensorSpec((1, 2, 1)), TensorSpec((4, 1, 1))
    call, rule = Arguments("conv2d", x, w, 1, "VALID", via="tf.nn.conv1d"), "padding.size-exists"
    assert RULES[rule] in broken(call)
    assert RULES[rule].mismatch(call) == "the result would have a width of -1"


def test_a_rule_about_values_knows_no_shape():
    assert RULES["conv2d.values"].knows is None
    assert RULES["static-shape.known"].knows == "static"


def test_a_refusal_names_the_rule_that_a_call_breaks():
    call = replace(CONV2D, padding="FULL")
    assert refusal("conv2d.padding-kind", call) == "padding FULL (conv2d.padding-kind)"
    no_rule = "the size of the result would be -1 × 1"
    assert refusal(no_rule, call) == no_rule


def test_each_entry_point_has_rules_of_its_own():
    assert {rule.id.partition(".")[0] for rule in RULES.values()} == BASES.keys()
    for name, base in BASES.items():
        others = ("padding", "gradient", "transformation", "company")
        if name not in others and not name.endswith("-shape"):
            own = [
                rule
                for rule in exercised(base)
                if rule.knows or rule.id.partition(".")[0] in (name, "padding")
            ]
            assert own == list(exercised(base))
            assert any(rule.id == f"{name}.values" for rule in own)


def test_an_ordinary_call_breaks_no_rule():
    assert predict(CONV2D).documented == Returns((2, 5, 4, 4), "float32")
    assert predict(DEPTHWISE).documented == Returns((2, 9, 8, 12), "float32")


@pytest.mark.parametrize(
    ("changes", "expected", "absent"),
    [
        ({"strides": 2}, "conv2d.values", "conv2d.unequal-strides"),
        ({"strides": (1, 2)}, "conv2d.unequal-strides", "padding.explicit-is-pad"),
        ({"padding": EXPLICIT}, "padding.explicit-is-pad", "padding.same-size"),
        ({"padding": "VALID", "dilations": 1}, "padding.valid-size", "padding.zeros"),
        (
            {"data_format": "NCHW", "input": TensorSpec((2, 3, 9, 8))},
            "conv2d.nchw-order",
            "conv2d.outer-batch-dimensions",
        ),
        (
            {"input": TensorSpec((1, 2, 9, 8, 3))},
            "conv2d.outer-batch-dimensions",
            "depthwise.values",
        ),
        (
            {"filter": TensorSpec((2, 1, 3, 1)), "dilations": 1, "strides": 1},
            "padding.same-extra-at-end",
            "conv2d.dilated-values",
        ),
    ],
)
def test_a_call_exercises_the_rules_that_apply_to_it(changes, expected, absent):
    identifiers = [rule.id for rule in exercised(replace(CONV2D, **changes))]
    assert expected in identifiers
    assert absent not in identifiers


def test_the_installed_documentation_has_every_phrase(tensorflow):
    missing = [
        rule.id
        for rule in RULES.values()
        if sentence(tensorflow.documentation[rule.symbol], rule.phrase) is None
    ]
    assert missing == []
    atrous = sentence(
        tensorflow.documentation["tf.nn.depthwise_conv2d"],
        RULES["depthwise.unit-strides-when-atrous"].phrase,
    )
    assert atrous.startswith("If any value in `dilations` is greater than 1")
    assert atrous.endswith("must be equal to 1.")


def test_sentences_json_matches_its_tensorflow_version(tensorflow):
    """After a change of a phrase or of the version, write `found` to
    prediction/rules/sentences.json.
    """
    found = {
        rule.id: sentence(tensorflow.documentation[rule.symbol], rule.phrase)
        for rule in RULES.values()
        if rule.precondition is not None
    }
    assert kept().keys() == found.keys()
    assert all(rule.phrase in kept()[rule.id] for rule in RULES.values() if rule.id in kept())
    if tensorflow.subject["tensorflow"] == VERSION:
        assert kept() == found


def test_a_rule_is_quoted_with_the_sentence_that_states_it():
    atrous, positive = RULES["depthwise.unit-strides-when-atrous"], RULES["conv2d.strides-positive"]
    assert quoted(atrous).startswith(
        f"{atrous.id} (tf.nn.depthwise_conv2d in TensorFlow {VERSION}): If any value "
        "in `dilations` is"
    )
    assert quoted(atrous).endswith("all values in the `strides` tensor must be equal to 1.")
    own = {
        "tf.nn.depthwise_conv2d": "First. Here all values\n in the `strides` tensor must "
        "be equal to 1. Last."
    }
    changed = replace(atrous, phrase="in the `strides` tensor")
    assert quoted(changed, own) == (
        f"{atrous.id} (tf.nn.depthwise_conv2d): Here all values in the `strides` "
        "tensor must be equal to 1."
    )
    assert quoted(atrous, {}).startswith(
        f"{atrous.id} (tf.nn.depthwise_conv2d): the documentation changed; it no longer says "
    )
    notes = RULES["padding.size-exists"]
    assert quoted(notes, {notes.symbol: ""}) == quoted(notes)
    assert quoted(atrous, {atrous.symbol: ""}) == quoted(atrous)  # Keras alone has no such symbol
    values = RULES["conv2d.values"]
    assert values.id not in kept()
    assert "the documentation changed" in quoted(values, {values.symbol: ""})
    assert quoted(positive) == (
        f"{positive.id}: no sentence of the documentation states this; the closest "
        f"(tf.nn.conv2d in TensorFlow {VERSION}): "
        "The stride of the sliding window for each dimension of `input`."
    )


def test_a_phrase_is_found_across_line_breaks_without_other_sentences():
    text = "One thing.  Another\n      thing, `x`, holds. A third.\n\n  x: An int. The\n    rest."
    assert sentence(text, "thing, `x`,") == "Another thing, `x`, holds."
    assert sentence(text, "The rest") == "The rest."
    assert sentence(text, "holds. The") is None


def test_the_page_of_rules_is_up_to_date(repository):
    assert (repository / "docs/rules.md").read_text(encoding="utf-8") == page()


def test_a_sentence_ends_at_its_full_stop():
    text = (
        "One thing. Another `thing`.\n  x: An int, or\n    a list.\n  1. First\n\nLast "
        "words, without an end"
    )
    assert sentence(text, "One thing.") == "One thing."
    assert sentence(text, "Another `thing`.") == "Another `thing`."
    assert sentence(text, "or a list") == "x: An int, or a list."
    assert sentence(text, "First") == "First"  # the number ends a sentence of its own
    assert sentence(text, "without an end") == "Last words, without an end"
    assert sentence(text, "First Last") is None


EXAMPLES = {
    "conv2d.example": ("conv2d", (1, 5, 5, 1), (2, 2, 1, 2), "VALID"),
    "depthwise.example-valid": ("depthwise_conv2d", (1, 3, 2, 1), (2, 1, 1, 2), "VALID"),
    "depthwise.example-explicit": (
        "depthwise_conv2d",
        (1, 3, 2, 1),
        (2, 1, 1, 2),
        ((0, 0), (1, 0), (1, 0), (0, 0)),
    ),
    "padding.example-explicit": (
        "conv2d",
        (1, 3, 3, 1),
        (2, 2, 1, 1),
        ((0, 0), (1, 1), (1, 1), (0, 0)),
    ),
    "padding.example-multiplied": ("conv2d", (1, 3, 2, 1), (2, 2, 1, 1), "SAME"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_applies_to_the_printed_call(name):
    op, *shapes, padding = EXAMPLES[name]
    x, w = (TensorSpec(shape, (1.0,) * math.prod(shape)) for shape in shapes)
    printed = Arguments(op, x, w, 1 if op == "conv2d" else (1, 1, 1, 1), padding)
    assert name in [rule.id for rule in exercised(printed)]
    assert name not in [rule.id for rule in exercised(replace(printed, input=TensorSpec(x.shape)))]
    other = "VALID" if padding != "VALID" else "SAME"
    assert name not in [rule.id for rule in exercised(replace(printed, padding=other))]
