"""Operations around a convolution in a case file: their forms, their mistakes, and their names."""

import pytest

from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.convolution.company import Operation
from tf_conv_conformance.prediction.exclusions import CODES

CASE = """
cases:
  - id: x
    op: conv2d
    input: [2, 6, 6, 4]
    filter: [3, 3, 4, 8]
    padding: VALID
    modes: [eager, graph]
    %s
"""
PAD = "{pad: [[0, 0], [1, 1], [2, 0], [0, 0]]}"


def test_operations_are_one_or_a_list(calls):
    for text in ("after: relu", "after: [relu]"):
        assert calls(CASE % text)["x[eager]"].arguments.after == (Operation("relu"),)
    another = "{depthwise_conv2d: {filter: [2, 1, 8, 1], strides: [1, 2], padding: SAME}}"
    for text in (another, f"[{another}]"):
        (operation,) = calls(CASE % f"after: {text}")["x[graph]"].arguments.after
        assert operation == Operation("depthwise_conv2d", "SAME", (2, 1, 8, 1), (1, 2))
        assert operation.text == "depthwise_conv2d 2x1x8x1 SAME strides 1x2"
    padded = ((0, 0), (1, 1), (2, 0), (0, 0))
    for text in (PAD, f"[{PAD}]"):
        assert calls(CASE % f"before: {text}")["x[eager]"].arguments.before[0].padding == padded


def test_a_sweep_names_its_calls_by_the_operations(calls):
    swept = f"""sweep:
      before: [[], {PAD}]
      after:
        - []
        - relu
        - [bias_add, {{conv2d: {{filter: [1, 1, 8, 2], strides: 2, padding: SAME}}}}]
    relations: [modes, again]
    deviations:
      - rule: company.relu
        where: {{after: [relu]}}
        observed: {{error: ValueError}}
        reported: unreported"""
    found = calls(CASE % swept)
    names = [name for name in found if "graph" in name and "-" in name and "alone-relu" in name]
    assert names == [
        "x[alone-relu-graph]",
        "x[alone-relu-graph-modes]",
        "x[alone-relu-graph-again]",
    ]
    assert "x[pad0:0x1:1x2:0x0:0-bias_add_conv2d_1x1x8x2_strides2x2_SAME-eager]" in found
    declared = [name for name, call in found.items() if call.deviations and not call.relation]
    assert len(declared) == 4
    hashes = {call.content_hash for call in found.values()}
    assert len(hashes) == len(found)


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("after: [bias]", 13, "'bias' is unknown; did you mean 'bias_add'? Known: bias_add, add, "),
        ("after: [{pad: 1}]", 14, "unknown key"),
        ("after: {}", 12, "a mapping here is one convolution, such as {conv2d: {filter: "),
        ("after: {conv2d: {filter: [1, 1, 8], padding: SAME}}", 30, "must have 4 items"),
        ("after: {conv2d: {filter: [1, 1, 8, 2]}}", 21, "is missing: `SAME`, `VALID`, or a pair"),
        (
            "after: {conv2d: {filter: [1, 1, 7, 2], padding: SAME}}",
            12,
            "conv2d 1x1x7x2 SAME is refused: the filter has 7 in_channels, but the input has 8",
        ),
        (
            "after: {conv2d: {filter: [6, 6, 8, 2], padding: VALID}}",
            12,
            "conv2d 6x6x8x2 VALID is refused: the result would have -1 rows",
        ),
        (
            "after: {conv2d: {filter: [5, 4, 8, 2], padding: VALID}}",
            12,
            "conv2d 5x4x8x2 VALID has an empty result, of shape [2, 0, 1, 2], which shows nothing",
        ),
        ("before: relu", 13, "expected a list or a mapping such as {pad: [[0, 0], [1, 1], "),
        ("before: [relu]", 14, "expected a mapping such as {pad: [[0, 0], [1, 1], "),
        ("after: [pad]", 13, "pad belongs in `before`, as in before: {pad: [[0, 0], [1, 1], "),
        ("after: conv2d", 12, "fused_batch_norm, or {conv2d: {filter: [1, 1, 8, 2], padding: "),
        ("after: {conv2d: 3}", 21, "expected a mapping such as {filter: [1, 1, 8, 2], padding: "),
        (
            "before: {pad: [[0, 0], [1, 1]]}",
            19,
            "is not a pair of amounts, 0 or more, for each of 4",
        ),
        ("before: {pad: [[0, 0], [-1, 1], [0, 0], [0, 0]]}", 19, "is not a pair of amounts"),
        (f"before: [{', '.join([PAD] * 9)}]", 13, "has 9 items; the limit is 8"),
        ("rewrites: '???'", 15, "is not an operation, such as _FusedConv2D"),
        ("rewrites: [Conv2D, _FusedConv2D, Conv2D]", 15, "Conv2D is listed twice; keep one"),
    ],
)
def test_a_mistake(line, column, message):
    (fault,) = load_text(CASE % line).diagnostics
    assert (fault.line, message in fault.message) == (9, True), fault
    assert fault.column == column, fault


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "after: relu\n    gradient: input\n    data: reals",
            "no bound is derived for a gradient of reals through relu; leave out `reals`",
        ),
        (
            "after: relu\n    via: tf.raw_ops.Conv2DBackpropInput",
            "computes a gradient itself, and has no operations around it; use `gradient`",
        ),
        ("after: relu\n    through: vectorized_map", "if there is a `through`; leave that out"),
        (
            "after: relu\n    via: tf.keras.layers.Conv2D",
            "has no operations around it; use tf.nn.conv2d",
        ),
        ("after: relu\n    unknown: filter", "so the filter must be known"),
        ("after: fused_batch_norm\n    dtype: float64", "does not document float64"),
        ("after: [relu, bias_add]\n    dtype: half", "bias_add, which does not document float16"),
        ("optimizer: NCHW_TO_NHWC", "has a call in NCHW_TO_NHWC only if the channels come first"),
        (
            "optimizer: auto_mixed_precision_onednn_bfloat16\n    dtype: half",
            "is rewritten by auto_mixed_precision_onednn_bfloat16 in float32 alone, not in float16",
        ),
        (
            "optimizer: auto_mixed_precision_onednn_bfloat16\n    expect: result",
            "no call of this case can be made in eager mode: it has no graph that `optimizer`",
        ),
        (
            "after: relu\n    relations: [linear]",
            "needs a convolution without `before` and `after`",
        ),
    ],
)
def test_what_is_not_supported_is_refused(more, message):
    diagnostics = load_text(CASE % more).diagnostics
    assert [message in fault.message for fault in diagnostics] == [True], diagnostics


def test_a_claim_needs_a_graph():
    text = (CASE % "rewrites: _FusedConv2D").replace("modes: [eager, graph]", "modes: [eager, xla]")
    (fault,) = load_text(text).diagnostics
    wanted = (
        "the executed graph is observed in graph or saved_model mode, and no call is made in it"
    )
    assert fault.message == wanted
    assert (fault.line, fault.key) == (9, "cases[0].rewrites")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "strides: 0\n    after: relu",
            "but TensorFlow documents that it refuses this call: strides is 0",
        ),
        (
            "sweep: {strides: [1, 0]}",
            "but TensorFlow documents that it refuses this call: strides0: strides is 0",
        ),
        ("expect: {error: [ValueError]}", "but `expect` says that the call raises ValueError"),
    ],
)
def test_a_call_that_must_be_refused_has_no_graph(more, message):
    (fault,) = load_text(CASE % f"rewrites: _FusedConv2D\n    {more}").diagnostics
    claims = "`rewrites` claims what the executed graph has, "
    assert fault.message.startswith(claims + message), fault
    assert fault.message.endswith(". Change the call, or leave out `rewrites`")
    assert (fault.line, fault.key) == (9, "cases[0].rewrites")


def test_nothing_grows_without_a_limit():
    (fault,) = load_text(
        CASE % "before: {pad: [[0, 0], [999999999, 1], [0, 0], [0, 0]]}"
    ).diagnostics
    assert fault.message.startswith("the padded input has 2 × 1000000006 × 6 × 4 = 48,000,000,288")
    wide = "{conv2d: {filter: [1, 1, %d, %d], padding: SAME}}"
    grown = f"after: [{wide % (8, 2**20)}, {wide % (2**20, 1)}]"
    (fault,) = load_text(CASE % grown).diagnostics
    assert fault.message.startswith("the result 1 has 2 × 4 × 4 × 1048576 = 33,554,432 elements")


def test_an_addend_needs_one_shape():
    text = (CASE % "after: add").replace("conv2d", "depthwise_conv2d", 1)
    text += "    strides: 2\n    rate: 2\n"
    (fault,) = load_text(text).diagnostics
    assert fault.message.startswith("`add` needs the shape of the result")


def test_codes_of_dropped_operations_are_short():
    assert CODES["bias_add dropped"] == "no-bias_add"
