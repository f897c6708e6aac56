"""A known deviation covers only calls with its rule and edges, and matches only its outcome."""

from dataclasses import replace

import pytest

from support.explored import call, error, shaped, values
from support.record_files import FACTS
from tf_conv_conformance.explore.known_deviations import (
    find_known,
    find_known_shape,
    read_known,
)
from tf_conv_conformance.prediction.models import DOCUMENTED, PHASE_STRIDED
from tf_conv_conformance.subject.observation import Observation

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
      - rule: depthwise.unit-strides-when-atrous
        observed: {model: phase_strided}
        reported: unreported
  - id: empty-filter
    op: conv2d
    input: [1, 4, 4, 1]
    filter: [0, 0, 1, 1]
    strides: 1
    padding: VALID
    deviations:
      - rule: conv2d.values
        when: {modes: eager}
        observed: {error: InvalidArgumentError}
        reported: unreported
  - id: unwritten
    op: conv2d
    input: [1, 2, 2, 1]
    filter: [3, 3, 1, 1]
    strides: 1
    padding: VALID
    deviations:
      - rule: padding.valid-size
        observed: {shape: [1, 2, 2, 1], values: unspecified}
        reported: unreported
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


def matching(known, one, observation):
    found = [each for each in known if each.covers(one, FACTS) and each.matches(one, observation)]
    return [each.where.split()[-1] for each in found]


def test_a_model_matches_other_sizes_entry_points_and_dtypes(known):
    plain = {
        "op": "depthwise_conv2d",
        "input": [2, 13, 12, 2],
        "filter": [2, 3, 2, 2],
        "strides": [1, 3, 3, 1],
        "dilations": [2, 2],
    }
    for more in ({}, {"via": "tf.nn.separable_conv2d"}, {"dtype": "half"}, {"gradient": "input"}):
        one = call(**plain, **more)
        assert matching(known, one, values(one, PHASE_STRIDED)) == ["strides-and-rates"]
    assert matching(known, call(**plain), values(call(**plain), DOCUMENTED)) == []


def test_an_error_without_a_message_matches_only_on_its_edge_and_in_its_mode(known):
    refused = error("InvalidArgumentError", "no")
    assert matching(known, call(op="conv2d", filter=[0, 2, 1, 1]), refused) == ["empty-filter"]
    assert (
        matching(known, call(op="conv2d", filter=[0, 2, 1, 1]), error("InternalError", "no")) == []
    )
    assert matching(known, call(op="conv2d"), refused) == []
    assert matching(known, call("graph", op="conv2d", filter=[0, 2, 1, 1]), refused) == []
    assert matching(known, call(op="depthwise_conv2d", filter=[0, 2, 1, 1]), refused) == []


def test_an_unexplained_shape_matches_by_its_name_on_its_edge(known):
    beyond = {"op": "conv2d", "input": [3, 4, 2, 1], "filter": [5, 1, 1, 1]}
    assert matching(known, call(**beyond), shaped(3, 4, 2, 1)) == ["unwritten"]
    assert matching(known, call(**beyond), shaped(1, 2, 2, 1)) == []
    assert matching(known, call(op="conv2d", input=[3, 4, 2, 1]), shaped(3, 4, 2, 1)) == []


def test_a_model_may_match_with_other_arguments(known):
    one = call(op="conv2d", padding=[[0, 2], [0, 1], [1, 1], [0, 0]])
    inner = replace(one.arguments, padding=((0, 0), (0, 1), (1, 1), (0, 0)))
    assert matching(known, one, values(one, DOCUMENTED, inner)) == ["batch"]
    assert matching(known, one, shaped(1, 8, 8, 1)) == []


def test_a_crash_matches_by_its_signal(known):
    one = call(op="conv2d", input=[5, 1], filter=[2, 2, 1, 1])
    died = Observation("crashed", signal="SIGABRT")
    assert matching(known, one, died) == ["rank"]
    assert matching(known, one, Observation("crashed", signal="SIGFPE")) == []
    assert matching(
        known, call(op="conv2d", input=[5, 1], data_format="NHWC", strides=[2, 1, 1, 1]), died
    ) == ["rank"]
    assert matching(known, call(op="conv2d", strides=[2, 1, 1, 1]), died) == []


def test_a_call_is_fatal_with_the_padding_of_the_call_that_crashed(known):
    rank = next(each for each in known if each.where.endswith("rank"))
    one = {"op": "conv2d", "input": [5, 1]}
    assert [
        rank.is_fatal(call(padding=padding, **one), FACTS)
        for padding in ("SAME", "VALID", [[0, 0], [1, 1], [1, 1], [0, 0]])
    ] == [1, 0, 0]
    assert not any(
        each.is_fatal(call(op="conv2d", filter=[0, 2, 1, 1]), FACTS) for each in known
    ), "an error does not end the process"


def test_deviations_may_explain_a_call_only_together(tmp_path):
    flushed = """
  - id: subnormal
    op: conv2d
    input: {shape: [1, 2, 1, 1], values: [2.802596928649634e-45, 1.401298464324817e-45]}
    filter: [1, 1, 1, 1]
    strides: 1
    padding: VALID
    deviations:
      - rule: conv2d.values
        observed: {model: documented, subnormals: flushed}
        reported: unreported
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
    assert find_known(both, one, seen, FACTS) is not None
    assert matching(both, one, seen) == []
    assert (
        find_known([each for each in both if "batch" not in each.where], one, seen, FACTS) is None
    )
    assert (
        find_known([each for each in both if "subnormal" not in each.where], one, seen, FACTS)
        is None
    )


def test_a_sum_in_reduced_precision_matches_in_the_model_of_an_accepted_call(tmp_path):
    in_half = """
  - id: half
    op: depthwise_conv2d
    dtype: half
    data: reals
    input: [1, 9, 9, 4]
    filter: [3, 3, 4, 1]
    strides: 1
    padding: SAME
    deviations:
      - rule: depthwise.values
        observed: {model: documented, accumulator: float16}
        reported: unreported
"""
    tmp_path.joinpath("a.yaml").write_text(CASES + in_half, encoding="utf-8")
    both = read_known([tmp_path])
    one = call(op="depthwise_conv2d", dtype="half", data=["reals"], strides=2, dilations=3)
    seen = values(one, replace(PHASE_STRIDED, accumulator="float16"))
    assert find_known(both, one, seen, FACTS) is not None
    assert find_known(both, one, values(one, DOCUMENTED), FACTS) is None


def test_an_exception_against_a_precondition_matches_calls_that_meet_it(tmp_path):
    case = (
        "id: x, op: depthwise_conv2d, via: keras.ops.depthwise_conv, input: [1, 2, 2, 1], "
        "filter: [1, 1, 1, 1], strides: [1, 1], padding: VALID"
    )
    deviation = (
        "{rule: keras-ops-depthwise.strides-length, observed: {error: TypeError}, "
        "reported: unreported}"
    )
    tmp_path.joinpath("a.yaml").write_text(f"cases:\n  - {{{case}, deviations: [{deviation}]}}\n")
    known = read_known([tmp_path])
    keras = {"op": "depthwise_conv2d", "via": "keras.ops.depthwise_conv"}
    assert matching(known, call(**keras, strides=[2, 2]), error("TypeError")) == ["x"]
    assert matching(known, call(**keras, strides=[2, 2]), error("ValueError")) == []
    assert matching(known, call(**keras, strides=[2, 2, 2]), error("TypeError")) == []


def test_a_shape_without_a_name_matches_other_shapes_without_a_name(tmp_path):
    case = (
        "id: x, op: depthwise_conv2d, input: [1, 1, 1, 2, 1], filter: [1, 1, 1, 1], "
        "strides: 1, padding: VALID"
    )
    deviation = (
        "{rule: depthwise.input-rank, observed: {shape: [1, 1, 2, 1], values: "
        "unspecified}, reported: unreported}"
    )
    tmp_path.joinpath("a.yaml").write_text(f"cases:\n  - {{{case}, deviations: [{deviation}]}}\n")
    known = read_known([tmp_path])
    five = call(op="depthwise_conv2d", input=[2, 1, 9, 8, 3], filter=[2, 2, 3, 1])
    assert matching(known, five, shaped(2, 8, 7, 3)) == ["x"]
    assert matching(known, five, shaped(2, 1, 9, 8, 3)) == []
    assert matching(known, call(op="depthwise_conv2d"), shaped(2, 8, 7, 3)) == []


def test_a_lost_size_matches_for_other_sizes_of_its_entry_point_and_rate(tmp_path):
    lost = """
cases:
  - id: width
    op: conv2d
    via: tf.nn.convolution
    modes: graph
    input: [3, 9, 8, 2]
    filter: [3, 2, 2, 3]
    rate: 2
    padding: SAME
    unknown: height
    deviations:
      - rule: static-shape.known
        observed: {unknown: [height, width]}
        reported: unreported
"""
    tmp_path.joinpath("a.yaml").write_text(lost, encoding="utf-8")
    known = read_known([tmp_path])

    def find(found, **changes):
        plain = {"op": "conv2d", "via": "tf.nn.convolution", "unknown": "height", **changes}
        one = call("graph", **plain, padding="SAME")
        answers = values(one).answers
        seen = tuple(replace(answer, known={"static": found}) for answer in answers)
        return find_known_shape(known, one, Observation("answered", seen), FACTS) is not None

    assert find((1, None, None, 1), dilations=3)
    assert find((None, None, None, 1), dilations=3, unknown=["batch", "height"])
    assert not find((1, None, None, None), dilations=3)
    assert not find((1, None, None, 1))
    assert not find((1, None, None, 1), dilations=3, via="tf.nn.conv2d")
    assert not find((1, None, 9, 1), dilations=3)  # contradicts the result
