"""Each relation holds for a right subject, and is broken by a subject with the fault that it is
about.
"""

from dataclasses import replace

import numpy as np
import pytest

from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec, interpret
from tf_conv_conformance.convolution.dtypes import encode
from tf_conv_conformance.prediction.error_bounds import bound
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.relations import RELATIONS, obstacle, others_of
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.relation_verdict import judge_relation

CONV2D = Arguments(
    "conv2d", TensorSpec((2, 7, 6, 3)), TensorSpec((3, 2, 3, 2)), (1, 2, 2, 1), "SAME", 2
)
DEPTHWISE = Arguments(
    "depthwise_conv2d",
    TensorSpec((2, 7, 6, 3)),
    TensorSpec((3, 2, 3, 2)),
    (1, 1, 1, 1),
    "SAME",
    (2, 2),
)
CALL = load_text(
    "cases: [{id: x, op: conv2d, input: [2, 7, 6, 3], filter: [3, 2, 3, 2], strides: "
    "1, padding: SAME, modes: graph}]"
).calls[0]
FACTS = {
    "tensorflow": "2.21.0",
    "keras": None,
    "onednn": False,
    "device": "cpu",
    "platform": "linux",
    "machine": "x86_64",
    "cpu": {"flags": []},
}
ABOUT = {
    "grouped": DEPTHWISE,
    "zero-filled": CONV2D,
    "explicit": CONV2D,
    "linear": CONV2D,
    "translation": replace(CONV2D, padding="VALID"),
    "batch": DEPTHWISE,
    "transposed": DEPTHWISE,
    "again": CONV2D,
    "modes": CONV2D,
    "subjects": CONV2D,
    "retraced": CONV2D,
    "threads": CONV2D,
}


def called(name, arguments, mode="graph"):
    """Return the call of a relation as a case would make it."""
    return replace(CALL, arguments=arguments, mode=mode, relation=name, deviations=())


def answer(arguments, data, fault=None):
    """Return the answers of a subject that computes the documented formula with a fault."""
    arms = []
    for tensors in data:
        result = DOCUMENTED.values(arguments, *tensors)
        arms.append(
            Answer(
                values=encode(fault(result, arguments) if fault else result, arguments.dtype),
                dtype=arguments.dtype,
            )
        )
    return Observation("answered", tuple(arms))


def data_of(arguments):
    return [arm.arrays(arguments) for arm in predict(arguments).arms]


def judged(name, arguments, fault=None, mode="graph"):
    others, data = others_of(name, arguments, mode), data_of(arguments)
    answers = [
        answer(other.arguments, [other.tensors(tensors) for tensors in data], fault)
        for other in others
    ]
    return judge_relation(
        called(name, arguments, mode),
        predict(called(name, arguments, mode).arguments),
        answer(arguments, data, fault),
        others,
        answers,
        FACTS,
    )


def held(first, *others, name="again", arguments=CONV2D):
    """Return the verdict on these observations."""
    call = called(name, arguments)
    return judge_relation(
        call, predict(call.arguments), first, others_of(name, arguments, "graph"), others, FACTS
    )


def test_every_relation_has_a_test_call():
    assert ABOUT.keys() == RELATIONS.keys()


@pytest.mark.parametrize("name", RELATIONS)
def test_the_documented_formula_fulfils_every_relation(name):
    assert obstacle(name, ABOUT[name], "graph") is None
    assert judged(name, ABOUT[name]).kind == "conforms"


def first_row_wrong(result, _):
    result[:, 0] += 1
    return result


def first_of_batch_wrong(result, _):
    result[0] += 1
    return result


FAULTS = {
    "grouped": lambda result, arguments: result[..., ::-1] if arguments.op == "conv2d" else result,
    "zero-filled": lambda result, arguments: result + 1 if arguments.dilations else result,
    "explicit": lambda result, arguments: (
        np.roll(result, 1, axis=1) if arguments.padding == "SAME" else result
    ),
    "linear": lambda result, _: np.maximum(result, 0),
    "translation": first_row_wrong,
    "batch": first_of_batch_wrong,
    "transposed": lambda result, arguments: (
        result[..., ::-1] if arguments.data_format == "NCHW" else result
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_breaks_the_relation_about_it(name):
    verdict = judged(name, ABOUT[name], FAULTS[name])
    assert verdict.kind == "violates"
    assert verdict.reason.endswith(f"although {RELATIONS[name].says}")


def test_an_exception_on_either_side_violates():
    right = answer(CONV2D, data_of(CONV2D))
    wrong = Observation(
        "answered", (Answer(error="ValueError", bases=("ValueError",), message="no"),)
    )
    for first, second in ((right, wrong), (wrong, right)):
        assert held(first, second).kind == "violates"
    assert held(right, Observation("crashed", signal="SIGFPE")).kind == "crashed"


def test_a_fault_of_the_worker_on_either_side_is_no_verdict_on_tensorflow():
    right = answer(CONV2D, data_of(CONV2D))
    fault = Observation("suite error", last_output="Traceback …\nKeyError: 'mode'")
    for first, second in ((right, fault), (fault, right)):
        assert held(first, second).kind == "suite error"


def test_a_different_dtype_violates():
    other = answer(replace(CONV2D, dtype="float64"), data_of(CONV2D))
    assert held(answer(CONV2D, data_of(CONV2D)), other).kind == "violates"


CASE = """
cases:
  - id: x
    op: conv2d
    input: [2, 7, 6, 2]
    filter: [3, 2, 2, 2]
    strides: 1
    padding: SAME
    sweep: {rate: [1, 2]}
    relations: [%s]
"""


def test_each_relation_adds_a_call(calls):
    names = list(calls(CASE % "zero-filled, modes"))
    assert len(names) == 6 + 3 + 4
    assert "x[rate2-xla-zero-filled]" in names
    assert "x[rate1-graph-modes]" in names
    assert "x[rate1-eager-modes]" not in names


def test_a_relation_that_applies_to_no_call_is_refused():
    (diagnostic,) = load_text(CASE % "grouped").diagnostics
    assert diagnostic.key == "cases[0].relations[0]"
    assert diagnostic.message.startswith("grouped needs a depthwise_conv2d call")


def test_a_relation_has_a_hash_of_its_own(calls):
    found = calls(CASE % "again")
    assert found["x[rate1-eager]"].content_hash != found["x[rate1-eager-again]"].content_hash


def test_the_arm_that_differs_is_named():
    both = answer(CONV2D, data_of(CONV2D))
    wrong = replace(both.answers[1], values=both.answers[1].values + 1)
    verdict = held(both, replace(both, answers=(both.answers[0], wrong)))
    assert (verdict.kind, verdict.difference.arm) == ("violates", "wide_integers")


REALS = replace(CONV2D, data=("reals",))


def off_by_half_the_bound(result, arguments):
    """Return a right float32 result, off by less than its error bound; other calls are off in the
    other direction.
    """
    return result * (1 + 2.0**-23) if arguments is REALS else result * (1 - 2.0**-23)


@pytest.mark.parametrize("name", ["linear", "zero-filled", "explicit", "batch"])
def test_reals_may_differ_by_the_bounds_of_all_calls(name):
    assert judged(name, REALS, off_by_half_the_bound).kind == "conforms"
    off = 4 * bound(
        DOCUMENTED, REALS, *data_of(REALS)[0]
    )  # more than the bounds of all calls together
    verdict = judged(
        name, REALS, lambda result, arguments: result + off if arguments is REALS else result
    )
    assert verdict.kind == "violates"
    assert verdict.difference.ulp > 1  # of float32, not of float64
    assert verdict.difference.ulp < 1e8


def test_a_second_run_must_agree_bit_for_bit_on_reals():
    assert judged("again", REALS).kind == "conforms"
    right, near = (
        answer(REALS, data_of(REALS)),
        answer(REALS, data_of(REALS), lambda y, _: y * (1 + 2.0**-23)),
    )
    assert held(right, near, arguments=REALS).kind == "violates"
    assert held(right, near, name="modes", arguments=REALS).kind == "conforms"


@pytest.mark.parametrize("name", ABOUT)
def test_the_numpy_source_of_a_relation_computes_the_same(name):
    """The printed program does what the relation did."""
    arguments = ABOUT[name]
    interpretation = interpret(arguments)
    tensors = predict(arguments).arms[0].arrays(arguments)
    names = {
        "np": np,
        "x": tensors[0],
        "w": tensors[1],
        "y": DOCUMENTED.values(arguments, *tensors),
    }
    results = []
    for number, other in enumerate(others_of(name, arguments, "graph"), start=1):
        made = eval(f"{other.x}, {other.w}", names)
        assert all(
            np.array_equal(one, another)
            for one, another in zip(made, other.tensors(tensors), strict=True)
        )
        assert made[0].shape == other.arguments.input.shape
        assert made[1].shape == other.arguments.filter.shape
        results.append(DOCUMENTED.values(other.arguments, *made))
        names[f"y{number}"] = results[-1]
    left, right = eval(RELATIONS[name].sides(interpretation), names)
    expected = RELATIONS[name].equal(interpretation, names["y"], results)
    assert np.array_equal(left, expected[0])
    assert np.array_equal(right, expected[1])


DOORS_WITHOUT = [
    ("explicit", "tf.nn.convolution", "padding: SAME", "convolution.padding-kind"),
    ("explicit", "tf.keras.layers.Conv2D", "padding: SAME", "keras-conv2d.padding-kind"),
    ("transposed", "tf.nn.atrous_conv2d", "padding: SAME, rate: 2", "takes no data_format"),
    (
        "zero-filled",
        "tf.raw_ops.Conv2D",
        "padding: SAME, rate: [2, 3]",
        "zero-filled needs a result, and the documentation refuses the call "
        "(raw-conv2d.dilations-length)",
    ),
    (
        "linear",
        "tf.nn.conv2d",
        "padding: SAME, expect: {error: ValueError}",
        "`expect` says that the call raises ValueError",
    ),
    ("linear", "tf.nn.conv2d", "padding: SAME, gradient: filter", "linear needs no gradient"),
]


@pytest.mark.parametrize(("name", "via", "rest", "why"), DOORS_WITHOUT)
def test_a_relation_whose_calls_cannot_be_made_is_refused(name, via, rest, why):
    text = (
        f"cases: [{{id: x, op: conv2d, via: {via}, input: [2, 8, 8, 4], filter: [3, 3, 4, "
        f"4], strides: 1, {rest}, relations: [{name}]}}]"
    )
    (diagnostic,) = load_text(text).diagnostics
    assert diagnostic.key == "cases[0].relations[0]"
    assert why in diagnostic.message


def test_a_rate_of_four_entries_is_transposed_with_the_rest():
    (other,) = others_of("transposed", replace(CONV2D, dilations=(1, 3, 2, 1)), "xla")
    assert (other.arguments.strides, other.arguments.dilations) == ((1, 1, 2, 2), (1, 1, 3, 2))
