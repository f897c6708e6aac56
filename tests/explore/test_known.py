"""Known or new: a deviation foretells what has its rule, its edges and its outcome, and nothing else. Observations are made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from support.record_files import FACTS
from tf_conv_conformance.convolution.dtypes import encode
from tf_conv_conformance.explore import cause
from tf_conv_conformance.explore.coverage import DIMENSIONS, Coverage, code
from tf_conv_conformance.explore.edges import edges
from tf_conv_conformance.explore.found import Found, keep
from tf_conv_conformance.explore.known import foretelling, read_known
from tf_conv_conformance.explore.random_calls import calls_of
from tf_conv_conformance.prediction.models import DOCUMENTED, PHASE_STRIDED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Answer, Observation
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.perform import CallResult

CASES = """
cases:
  - id: strides-and-rates
    op: depthwise_conv2d
    input: [1, 9, 9, 1]
    filter: [3, 3, 1, 1]
    strides: 2
    rate: 3
    padding: VALID
    deviations:
      - {rule: depthwise.unit-strides-when-atrous, observed: {model: phase_strided}, reported: unreported}
  - id: empty-filter
    op: conv2d
    input: [1, 4, 4, 1]
    filter: [0, 0, 1, 1]
    strides: 1
    padding: VALID
    deviations:
      - {rule: conv2d.values, when: {modes: eager}, observed: {error: InvalidArgumentError}, reported: unreported}
  - id: unwritten
    op: conv2d
    input: [1, 2, 2, 1]
    filter: [3, 3, 1, 1]
    strides: 1
    padding: VALID
    deviations:
      - {rule: padding.valid-size, observed: {shape: [1, 2, 2, 1], values: unspecified}, reported: unreported}
  - id: batch
    op: conv2d
    input: [2, 5, 5, 1]
    filter: [2, 2, 1, 1]
    strides: 1
    padding: [[1, 0], [1, 2], [3, 0], [0, 0]]
    deviations:
      - rule: padding.only-spatial
        observed: {model: documented, as_if: {padding: [[0, 0], [1, 2], [3, 0], [0, 0]]}}
        reported: unreported
  - id: rank
    op: conv2d
    input: [7, 6, 1]
    filter: [3, 3, 1, 1]
    strides: 1
    padding: SAME
    deviations:
      - {rule: conv2d.input-rank, observed: {crash: SIGABRT}, reported: unreported}
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    folder.joinpath("a.yaml").write_text(CASES, encoding="utf-8")
    found = read_known([folder])
    assert len(found) == 5
    return found


def call(mode="eager", **plain):
    return calls_of(
        {"input": [1, 8, 7, 1], "filter": [2, 2, 1, 1], "strides": 1, "padding": "VALID", **plain},
        [mode],
    )[0].call


def values(one, model=DOCUMENTED, other=None):
    """An observation of what a model predicts."""
    predicted = predict(one.arguments).values(model, other or one.arguments)
    arms = (
        Answer(encode(arm.numbers, one.arguments.dtype), one.arguments.dtype) for arm in predicted
    )
    return Observation("answered", tuple(arms))


def shaped(*shape):
    return Observation("answered", (Answer(np.zeros(shape, np.float32), "float32"),) * 2)


def error(name, message="", *bases):
    return Observation("answered", (Answer(error=name, bases=(name, *bases), message=message),) * 2)


def foretold(known, one, observation):
    found = [
        each for each in known if each.speaks_about(one, FACTS) and each.foretells(one, observation)
    ]
    return [each.where.split()[-1] for each in found]


def test_a_model_foretells_other_sizes_doors_and_dtypes(known):
    plain = {
        "op": "depthwise_conv2d",
        "input": [2, 13, 12, 2],
        "filter": [2, 3, 2, 2],
        "strides": [1, 3, 3, 1],
        "dilations": [2, 2],
    }
    for more in ({}, {"via": "tf.nn.separable_conv2d"}, {"dtype": "half"}, {"gradient": "input"}):
        one = call(**plain, **more)
        assert foretold(known, one, values(one, PHASE_STRIDED)) == ["strides-and-rates"]
    assert foretold(known, call(**plain), values(call(**plain), DOCUMENTED)) == []


def test_an_error_without_a_message_is_known_on_its_edge_and_in_its_mode_alone(known):
    refused = error("InvalidArgumentError", "no")
    assert foretold(known, call(op="conv2d", filter=[0, 2, 1, 1]), refused) == ["empty-filter"]
    assert (
        foretold(known, call(op="conv2d", filter=[0, 2, 1, 1]), error("InternalError", "no")) == []
    )
    assert foretold(known, call(op="conv2d"), refused) == []
    assert foretold(known, call("graph", op="conv2d", filter=[0, 2, 1, 1]), refused) == []
    assert foretold(known, call(op="depthwise_conv2d", filter=[0, 2, 1, 1]), refused) == []


def test_an_unexplained_shape_is_known_by_what_it_is_on_its_edge(known):
    beyond = {"op": "conv2d", "input": [3, 4, 2, 1], "filter": [5, 1, 1, 1]}
    assert foretold(known, call(**beyond), shaped(3, 4, 2, 1)) == ["unwritten"]
    assert foretold(known, call(**beyond), shaped(1, 2, 2, 1)) == []
    assert foretold(known, call(op="conv2d", input=[3, 4, 2, 1]), shaped(3, 4, 2, 1)) == []


def test_other_arguments_stand_in_for_those_of_the_call(known):
    one = call(op="conv2d", padding=[[0, 2], [0, 1], [1, 1], [0, 0]])
    inner = replace(one.arguments, padding=((0, 0), (0, 1), (1, 1), (0, 0)))
    assert foretold(known, one, values(one, DOCUMENTED, inner)) == ["batch"]
    assert foretold(known, one, shaped(1, 8, 8, 1)) == []


def test_the_end_of_the_process_is_known_by_its_signal(known):
    one = call(op="conv2d", input=[5, 1], filter=[2, 2, 1, 1])
    died = Observation("crashed", signal="SIGABRT")
    assert foretold(known, one, died) == ["rank"]
    assert foretold(known, one, Observation("crashed", signal="SIGFPE")) == []
    assert foretold(
        known, call(op="conv2d", input=[5, 1], data_format="NHWC", strides=[2, 1, 1, 1]), died
    ) == ["rank"]
    assert foretold(known, call(op="conv2d", strides=[2, 1, 1, 1]), died) == []


def test_a_call_is_spared_for_a_padding_like_that_of_the_call_that_died(known):
    rank = next(each for each in known if each.where.endswith("rank"))
    one = {"op": "conv2d", "input": [5, 1]}
    assert [
        rank.kills(call(padding=padding, **one), FACTS)
        for padding in ("SAME", "VALID", [[0, 0], [1, 1], [1, 1], [0, 0]])
    ] == [1, 0, 0]
    assert not any(each.kills(call(op="conv2d", filter=[0, 2, 1, 1]), FACTS) for each in known), (
        "an error is no end"
    )


def test_deviations_foretell_together_what_none_does_alone(tmp_path):
    flushed = """
  - id: subnormal
    op: conv2d
    input: {shape: [1, 2, 1, 1], values: [2.802596928649634e-45, 1.401298464324817e-45]}
    filter: [1, 1, 1, 1]
    strides: 1
    padding: VALID
    deviations:
      - {rule: conv2d.values, observed: {model: documented, subnormals: flushed}, reported: unreported}
"""
    tmp_path.joinpath("a.yaml").write_text(CASES + flushed, encoding="utf-8")
    both = read_known([tmp_path])
    tiny = {
        "shape": [1, 3, 1, 1],
        "values": [1.401298464324817e-45, 1.401298464324817e-45, 2.802596928649634e-45],
    }
    one = call(
        op="conv2d", input=tiny, filter=[1, 1, 1, 1], padding=[[0, 2], [0, 1], [1, 1], [0, 0]]
    )
    inner = replace(one.arguments, padding=((0, 0), (0, 1), (1, 1), (0, 0)))
    seen = values(one, replace(DOCUMENTED, flushes_subnormals=True), inner)
    assert foretelling(both, one, seen, FACTS) is not None
    assert foretold(both, one, seen) == []
    assert (
        foretelling([each for each in both if "batch" not in each.where], one, seen, FACTS) is None
    )
    assert (
        foretelling([each for each in both if "subnormal" not in each.where], one, seen, FACTS)
        is None
    )


def told(one, observation):
    return cause.outcome(
        one, CallResult(judge(one, predict(one.arguments), observation, FACTS), observation)
    )


def test_an_outcome_has_no_sizes():
    small, large = call(op="conv2d"), call(op="conv2d", input=[2, 30, 31, 1], filter=[5, 4, 1, 3])
    message = "Negative dimension size caused by subtracting {} from {} for '{{node Conv2D}}' with shapes [1,{},{},1]"
    for one, numbers in ((small, (3, 2, 5, 5)), (large, (30, 11, 8, 70))):
        assert told(one, error("ValueError", message.format(*numbers), "InvalidArgumentError")) == (
            "refused",
            "InvalidArgumentError",
            "Negative dimension size caused by subtracting N from N for … with shapes [N…]",
        )
    died = Observation(
        "crashed",
        signal="SIGABRT",
        last_output="F0000 00:00:17.1 30 tensor.cc:35] Check failed: 3 == NDIMS (4 vs. 3)",
    )
    assert told(small, died) == ("crashed", "SIGABRT", "Check failed: N == NDIMS (N vs. N)")


def test_an_outcome_names_the_reading_that_explains_it():
    one = call(op="conv2d", strides=2, dilations=[1, 3, 1, 1], padding="SAME")
    both = replace(one.arguments, dilations=(1, 3, 3, 1))
    assert told(one, values(one, DOCUMENTED, both)) == (
        "values",
        "as if",
        "documented, the height's rate for both",
    )
    assert cause.explanation(one, values(one, DOCUMENTED, both))[1] == {
        "model": "documented",
        "as_if": {"dilations": [1, 3, 3, 1]},
    }
    accepted = call(op="depthwise_conv2d", strides=2, dilations=2)
    assert told(accepted, values(accepted, PHASE_STRIDED)) == ("accepted", "as if", "phase_strided")
    assert told(one, shaped(1, 2, 3, 4)) == ("shape", "unexplained", "another shape")


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ({}, set()),
        ({"input": [0, 8, 7, 1]}, {"no batch"}),
        (
            {"input": [1, 2, 7, 1], "filter": [3, 1, 1, 1]},
            {"empty result", "filter beyond the input"},
        ),
        ({"input": [1, 2, 7, 1], "filter": [5, 1, 1, 1]}, {"no result", "filter beyond the input"}),
        ({"input": [1, 8, 7, 4], "filter": [2, 2, 2, 4]}, {"groups"}),
        ({"input": [1, 8, 7, 4], "filter": [2, 2, 3, 4]}, {"channels that do not fit"}),
        ({"strides": [2, 3], "dilations": 2}, {"unequal strides", "stride and rate"}),
        ({"strides": 2**31}, {"stride out of int32"}),
        ({"dilations": -(2**40)}, {"rate out of int32", "rate below 1"}),
        (
            {"padding": [[1, 0], [-1, 0], [0, 2**15], [0, 0]], "strides": 1000},
            {"padding of batch or channels", "negative padding", "large padding"},
        ),
        ({"dtype": "int8", "strides": [1, 1, 1]}, {"odd dtype", "strides of length 3"}),
    ],
)
def test_edges(plain, expected):
    assert edges(call(op="conv2d", **plain).arguments) == expected


def test_coverage_counts_classes_and_names_the_pairs_that_were_never_met():
    coverage = Coverage()
    coverage.add(
        {
            code(call(op="conv2d")): 3,
            code(call("xla", op="conv2d", dtype="half", padding="SAME")): 1,
        }
    )
    classes = coverage.classes()
    assert (classes["mode"], classes["padding"]["SAME"], classes["padding"]["VALID"]) == (
        {"eager": 3, "graph": 0, "xla": 1},
        1,
        3,
    )
    assert all(sum(counts.values()) == 4 for counts in classes.values())
    never = coverage.never()["mode", "padding"]
    assert ("eager", "SAME") in never
    assert ("xla", "SAME") not in never
    assert len(never) == 3 * len(DIMENSIONS["padding"][0]) - 2
    assert coverage.plain()["calls"] == 4


def test_the_smaller_call_of_a_cause_is_kept(tmp_path):
    def found(size):
        return Found(
            "x-0123456789", "title", size, f"# title\n# size: {size:.1f}\n", f"size = {size}\n"
        )

    assert keep(tmp_path / "found", found(20.0)) == tmp_path / "found/x-0123456789.yaml"
    keep(tmp_path / "found", found(30.0))
    assert tmp_path.joinpath("found/x-0123456789.py").read_text() == "size = 20.0\n"
    keep(tmp_path / "found", found(10.0))
    assert tmp_path.joinpath("found/x-0123456789.py").read_text() == "size = 10.0\n"
    assert sorted(path.suffix for path in tmp_path.joinpath("found").iterdir()) == [".py", ".yaml"]


def test_a_shape_that_is_nothing_in_particular_is_known_where_others_are(tmp_path):
    case = "id: x, op: depthwise_conv2d, input: [1, 1, 1, 2, 1], filter: [1, 1, 1, 1], strides: 1, padding: VALID"
    deviation = "{rule: depthwise.input-rank, observed: {shape: [1, 1, 2, 1], values: unspecified}, reported: unreported}"
    tmp_path.joinpath("a.yaml").write_text(f"cases:\n  - {{{case}, deviations: [{deviation}]}}\n")
    known = read_known([tmp_path])
    five = call(op="depthwise_conv2d", input=[2, 1, 9, 8, 3], filter=[2, 2, 3, 1])
    assert foretold(known, five, shaped(2, 8, 7, 3)) == ["x"]
    assert foretold(known, five, shaped(2, 1, 9, 8, 3)) == []
    assert foretold(known, call(op="depthwise_conv2d"), shaped(2, 8, 7, 3)) == []
