"""The outcome of a call in words, without sizes and with the model that explains it."""

from dataclasses import replace

from support.explored import call, error, shaped, values
from support.record_files import FACTS
from tf_conv_conformance.explore.signature import explanation, outcome_of
from tf_conv_conformance.prediction.models import DOCUMENTED, PHASE_STRIDED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.subject.observation import Observation
from tf_conv_conformance.verdict.judge import judge
from tf_conv_conformance.verdict.perform import CallResult


def outcome(one, observation):
    return outcome_of(
        one, CallResult(judge(one, predict(one.arguments), observation, FACTS), observation)
    )


def test_outcomes_do_not_depend_on_sizes():
    small, large = call(op="conv2d"), call(op="conv2d", input=[2, 30, 31, 1], filter=[5, 4, 1, 3])
    message = (
        "Negative dimension size caused by subtracting {} from {} for '{{node Conv2D}}' "
        "with shapes [1,{},{},1]"
    )
    for one, numbers in ((small, (3, 2, 5, 5)), (large, (30, 11, 8, 70))):
        assert outcome(
            one, error("ValueError", message.format(*numbers), "InvalidArgumentError")
        ) == (
            "refused",
            "InvalidArgumentError",
            "Negative dimension size caused by subtracting N from N for … with shapes [N…]",
        )
    died = Observation(
        "crashed",
        signal="SIGABRT",
        last_output="F0000 00:00:17.1 30 tensor.cc:35] Check failed: 3 == NDIMS (4 vs. 3)",
    )
    assert outcome(small, died) == ("crashed", "SIGABRT", "Check failed: N == NDIMS (N vs. N)")


def test_an_outcome_names_the_arguments_that_explain_it():
    one = call(op="conv2d", strides=2, dilations=[1, 3, 1, 1], padding="SAME")
    both = replace(one.arguments, dilations=(1, 3, 3, 1))
    assert outcome(one, values(one, DOCUMENTED, both)) == (
        "values",
        "as if",
        "documented, the height's rate for both",
    )
    assert explanation(one, values(one, DOCUMENTED, both))[1] == {
        "model": "documented",
        "as_if": {"dilations": [1, 3, 3, 1]},
    }
    accepted = call(op="depthwise_conv2d", strides=2, dilations=2)
    assert outcome(accepted, values(accepted, PHASE_STRIDED)) == (
        "accepted",
        "as if",
        "phase_strided",
    )
    assert outcome(one, shaped(1, 2, 3, 4)) == ("shape", "unexplained", "another shape")
