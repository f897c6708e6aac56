"""Each precondition is kept by one call and broken by another, and each phrase is in the installed documentation."""

from dataclasses import replace

import pytest

from tf_conv_conformance import prediction
from tf_conv_conformance.arguments import Arguments, TensorSpec
from tf_conv_conformance.prediction import Refuses, Returns
from tf_conv_conformance.rules.catalogue import RULES, broken, exercised
from tf_conv_conformance.rules.page import page
from tf_conv_conformance.rules.rule import sentence

CONV2D = Arguments("conv2d", TensorSpec((2, 9, 8, 3)), TensorSpec((3, 2, 3, 4)), (1, 2, 2, 1), "SAME", (2, 2))
DEPTHWISE = Arguments("depthwise_conv2d", TensorSpec((2, 9, 8, 3)), TensorSpec((3, 2, 3, 4)), (1, 1, 1, 1), "SAME", (2, 2))
EXPLICIT = ((0, 0), (1, 2), (3, 0), (0, 0))

BREAKING = {
    "conv2d.input-rank": {"input": TensorSpec((9, 8, 3))},
    "conv2d.input-dtype": {"dtype": "int32"},
    "conv2d.filter-rank": {"filter": TensorSpec((3, 2, 3))},
    "conv2d.in-channels": {"filter": TensorSpec((3, 2, 1, 3))},
    "conv2d.strides-length": {"strides": (1, 1, 1)},
    "conv2d.strides-positive": {"strides": 0},
    "conv2d.unit-batch-and-channel-strides": {"strides": (1, 1, 1, 2)},
    "conv2d.dilations-length": {"dilations": (1, 1, 1)},
    "conv2d.dilations-positive": {"dilations": (1, -1)},
    "conv2d.unit-batch-and-depth-dilations": {"dilations": (2, 1, 1, 1)},
    "conv2d.data-format": {"data_format": "NHCW"},
    "conv2d.padding-kind": {"padding": "FULL"},
    "conv2d.explicit-padding-form": {"padding": EXPLICIT[:3]},
    "depthwise.input-rank": {"input": TensorSpec((1, 2, 9, 8, 3))},
    "depthwise.input-dtype": {"dtype": "int32"},
    "depthwise.filter-rank": {"filter": TensorSpec((3, 2, 3))},
    "depthwise.in-channels": {"filter": TensorSpec((3, 2, 1, 3))},
    "depthwise.strides-length": {"strides": 1, "dilations": None},
    "depthwise.strides-positive": {"strides": (1, 0, 0, 1), "dilations": None},
    "depthwise.unit-batch-and-channel-strides": {"strides": (2, 1, 1, 1), "dilations": None},
    "depthwise.unit-strides-when-atrous": {"strides": (1, 2, 2, 1), "dilations": (1, 2)},
    "depthwise.dilations-length": {"dilations": (1,)},
    "depthwise.dilations-positive": {"dilations": (0, 1)},
    "depthwise.data-format": {"data_format": "NHCW"},
    "depthwise.padding-kind": {"padding": "FULL"},
    "depthwise.explicit-padding-form": {"padding": EXPLICIT[:3]},
    "padding.only-spatial": {"padding": ((0, 1), *EXPLICIT[1:])},
    "padding.amounts": {"padding": ((0, 0), (-1, 0), (0, 0), (0, 0))},
    "padding.size-exists": {"padding": "VALID", "input": TensorSpec((1, 3, 3, 3))},
}


def base(rule):
    return DEPTHWISE if "tf.nn.depthwise_conv2d" in rule.doors else CONV2D


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES.values() if rule.is_precondition and rule.id in BREAKING], ids=lambda rule: rule.id
)
def test_a_precondition_is_kept_and_broken(rule):
    assert rule.holds(base(rule))
    breaking = replace(base(rule), **BREAKING[rule.id])
    assert [one.id for one in broken(breaking)] == [rule.id]
    assert prediction.documented(breaking) == Refuses((rule.id,))


def test_every_precondition_that_can_be_broken_is():
    permissions = {"conv2d.unequal-strides", "depthwise.unequal-strides"}  # they allow, and forbid nothing
    assert {rule.id for rule in RULES.values() if rule.is_precondition} - permissions == BREAKING.keys()


def test_nothing_is_broken_by_an_ordinary_call():
    assert broken(CONV2D) == broken(DEPTHWISE) == ()
    assert prediction.documented(CONV2D) == Returns((2, 5, 4, 4), "float32")
    assert prediction.documented(DEPTHWISE) == Returns((2, 9, 8, 12), "float32")


@pytest.mark.parametrize(
    ("changes", "expected", "absent"),
    [
        ({"strides": 2}, "conv2d.values", "conv2d.unequal-strides"),
        ({"strides": (1, 2)}, "conv2d.unequal-strides", "padding.explicit-is-pad"),
        ({"padding": EXPLICIT}, "padding.explicit-is-pad", "padding.same-size"),
        ({"padding": "VALID", "dilations": 1}, "padding.valid-size", "padding.zeros"),
        ({"data_format": "NCHW", "input": TensorSpec((2, 3, 9, 8))}, "conv2d.nchw-order", "conv2d.outer-batch-dimensions"),
        ({"input": TensorSpec((1, 2, 9, 8, 3))}, "conv2d.outer-batch-dimensions", "depthwise.values"),
        ({"filter": TensorSpec((2, 1, 3, 1)), "dilations": 1, "strides": 1}, "padding.same-extra-at-end", "conv2d.dilated-values"),
    ],
)
def test_a_call_exercises_the_rules_that_speak_of_it(changes, expected, absent):
    identifiers = [rule.id for rule in exercised(replace(CONV2D, **changes))]
    assert expected in identifiers
    assert absent not in identifiers


def test_the_installed_documentation_has_every_phrase(tensorflow):
    missing = [rule.id for rule in RULES.values() if sentence(tensorflow.documentation[rule.symbol], rule.phrase) is None]
    assert missing == []
    atrous = sentence(tensorflow.documentation["tf.nn.depthwise_conv2d"], RULES["depthwise.unit-strides-when-atrous"].phrase)
    assert atrous.startswith("If any value in `dilations` is greater than 1")
    assert atrous.endswith("must be equal to 1.")


def test_a_phrase_is_found_across_line_breaks_and_alone_in_its_sentence():
    text = "One thing.  Another\n      thing, `x`, holds. A third.\n\n  x: An int. The\n    rest."
    assert sentence(text, "thing, `x`,") == "Another thing, `x`, holds."
    assert sentence(text, "The rest") == "The rest."
    assert sentence(text, "holds. The") is None


def test_the_page_of_rules_is_up_to_date(repository):
    assert (repository / "docs/rules.md").read_text(encoding="utf-8") == page()
