"""Explanations of a difference: the model that predicts it, and the elements that it sums."""

from dataclasses import replace

from support.observations import ATROUS, CONV2D, eager, off_by_one, raised, returned
from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.convolution.arguments import TensorSpec
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.verdict.explanation import explaining_model, feeding


def test_the_explaining_model_is_named(calls):
    call = eager(calls, ATROUS)
    assert (
        explaining_model(predict(call.arguments), returned(call, "phase_strided"))
        == "phase_strided"
    )
    assert explaining_model(predict(call.arguments), returned(call, "documented")) == "documented"
    assert (
        explaining_model(predict(call.arguments), returned(call, "documented", off_by_one)) is None
    )
    assert explaining_model(predict(call.arguments), raised()) is None


def test_feeding_lists_the_pixels_of_an_element(calls):
    arguments = eager(calls, ATROUS).arguments
    assert feeding(
        "documented", arguments, (0, 0, 1, 3)
    ) == "input[0, rows {pad, 0, 2}, columns {0, 2, 4}, channels 1]".replace(
        "{0, 2, 4}", "{0, 2, 4}"
    )
    assert (
        feeding("phase_strided", arguments, (0, 0, 1, 3))
        == "input[0, rows {pad, 0, 2}, columns {pad, 1, 3}, channels 1]"
    )
    grouped = replace(
        eager(calls, CONV2D).arguments,
        input=replace(arguments.input, shape=(1, 7, 6, 4)),
        filter=replace(arguments.filter, shape=(3, 2, 2, 4)),
    )
    assert feeding("documented", grouped, (0, 0, 0, 3)).endswith("channels 2:4]")


def test_feeding_of_a_call_without_height_names_no_rows():
    (call,) = load_text(
        "cases: [{id: a, op: conv2d, via: tf.nn.conv1d, input: [2, 9, 4], filter: [3, 4, 2], "
        "padding: SAME, modes: eager}]"
    ).calls
    fed = "input[1, columns {pad, 0, 1}, channels 0:4]"
    assert feeding("documented", call.arguments, (1, 0, 1)) == fed
    channels_first = replace(call.arguments, data_format="NCW", input=TensorSpec((2, 4, 9)))
    fed = "input[1, channels 0:4, columns {7, 8, pad}]"
    assert feeding("documented", channels_first, (1, 1, 8)) == fed
