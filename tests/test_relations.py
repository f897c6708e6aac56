"""Relations: each holds for a right subject, and a subject with a fault breaks the one that speaks of it."""

from dataclasses import replace

import numpy as np
import pytest

from tf_conv_conformance import prediction
from tf_conv_conformance.arguments import Arguments, TensorSpec, read
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.numbers import encode
from tf_conv_conformance.oracle.models import DOCUMENTED, values
from tf_conv_conformance.relations import RELATIONS, speaks_about
from tf_conv_conformance.subject.observation import Arm, Observation
from tf_conv_conformance.verdict import judge_relation

CONV2D = Arguments("conv2d", TensorSpec((2, 7, 6, 3)), TensorSpec((3, 2, 3, 2)), (1, 2, 2, 1), "SAME", 2)
DEPTHWISE = Arguments("depthwise_conv2d", TensorSpec((2, 7, 6, 3)), TensorSpec((3, 2, 3, 2)), (1, 1, 1, 1), "SAME", (2, 2))
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
}


def answer(arguments, tensors, fault=None):
    """What a subject that computes the documented formula answers, with a fault in it."""
    result = values(DOCUMENTED, arguments, *tensors)
    return Observation(
        "answered", (Arm(values=encode(fault(result, arguments) if fault else result, arguments.dtype), dtype=arguments.dtype),)
    )


def judged(name, arguments, fault=None, mode="graph"):
    relation, reading = RELATIONS[name], read(arguments)
    tensors = prediction.inputs(arguments).arms[0].arrays(arguments)
    others = relation.others(arguments, reading, tensors, mode)
    answers = [answer(other.arguments, other.tensors, fault) for other in others]
    return judge_relation(relation, reading, answer(arguments, tensors, fault), answers)


def test_there_is_a_call_for_each():
    assert ABOUT.keys() == RELATIONS.keys()


@pytest.mark.parametrize("name", RELATIONS)
def test_the_documented_formula_has_every_relation(name):
    assert speaks_about(name, ABOUT[name], "graph")
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
    "explicit": lambda result, arguments: np.roll(result, 1, axis=1) if arguments.padding == "SAME" else result,
    "linear": lambda result, _: np.maximum(result, 0),
    "translation": first_row_wrong,
    "batch": first_of_batch_wrong,
    "transposed": lambda result, arguments: result[..., ::-1] if arguments.data_format == "NCHW" else result,
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_breaks_the_relation_that_speaks_of_it(name):
    verdict = judged(name, ABOUT[name], FAULTS[name])
    assert verdict.kind == "violates"
    assert verdict.reason.startswith(RELATIONS[name].says)


def test_an_exception_on_either_side_violates():
    right = answer(CONV2D, prediction.inputs(CONV2D).arms[0].arrays(CONV2D))
    wrong = Observation("answered", (Arm(error="ValueError", bases=("ValueError",), message="no"),))
    for first, second in ((right, wrong), (wrong, right)):
        assert judge_relation(RELATIONS["again"], read(CONV2D), first, [second]).kind == "violates"
    assert judge_relation(RELATIONS["again"], read(CONV2D), right, [Observation("crashed", signal="SIGFPE")]).kind == "crashed"


def test_another_dtype_violates():
    tensors = prediction.inputs(CONV2D).arms[0].arrays(CONV2D)
    other = answer(replace(CONV2D, dtype="float64"), tensors)
    assert judge_relation(RELATIONS["again"], read(CONV2D), answer(CONV2D, tensors), [other]).kind == "violates"


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


def test_a_case_has_a_call_for_each_relation_beside_its_own(calls):
    names = list(calls(CASE % "zero-filled, modes"))
    assert len(names) == 6 + 3 + 4
    assert "x[rate2-xla-zero-filled]" in names
    assert "x[rate1-graph-modes]" in names
    assert "x[rate1-eager-modes]" not in names


def test_a_relation_that_says_nothing_is_a_fault():
    (complaint,) = load_text(CASE % "grouped").complaints
    assert complaint.key == "cases[0].relations[0]"
    assert "grouped speaks about no call of this case: a depthwise convolution is" in complaint.message


def test_the_hash_tells_a_relation_from_its_call(calls):
    found = calls(CASE % "again")
    assert found["x[rate1-eager]"].content_hash != found["x[rate1-eager-again]"].content_hash


def test_the_arm_that_differs_is_named():
    right = answer(CONV2D, prediction.inputs(CONV2D).arms[0].arrays(CONV2D))
    both = replace(right, arms=right.arms * 2)
    wrong = replace(right.arms[0], values=right.arms[0].values + 1)
    verdict = judge_relation(RELATIONS["again"], read(CONV2D), both, [replace(both, arms=(right.arms[0], wrong))])
    assert (verdict.kind, verdict.difference.arm) == ("violates", "arm 2")
