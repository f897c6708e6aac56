"""Explanations of a difference: the model that predicts it, and the elements that it sums."""

from dataclasses import replace

from support.observations import ATROUS, CONV2D, eager, off_by_one, raised, returned
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
    ) == "input[0, rows {0*, 0, 2}, columns {0, 2, 4}, channels 1]".replace(
        "{0, 2, 4}", "{0, 2, 4}"
    )
    assert (
        feeding("phase_strided", arguments, (0, 0, 1, 3))
        == "input[0, rows {0*, 0, 2}, columns {0*, 1, 3}, channels 1]"
    )
    grouped = replace(
        eager(calls, CONV2D).arguments,
        input=replace(arguments.input, shape=(1, 7, 6, 4)),
        filter=replace(arguments.filter, shape=(3, 2, 2, 4)),
    )
    assert feeding("documented", grouped, (0, 0, 0, 3)).endswith("channels 2:4]")
