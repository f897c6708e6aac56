"""Case files for runs of the plugin."""

from tf_conv_conformance.records.reader import read

GOOD = """
defaults: {op: conv2d, input: [1, 7, 6, 1], filter: [1, 1, 1, 1], padding: SAME}
cases:
  - id: plain
    strides: 1
  - id: double
    op: depthwise_conv2d
    dtype: float64
    strides: 1
    modes: [eager, xla]
"""


LARGER = GOOD.replace(
    "[1, 7, 6, 1], filter: [1, 1, 1, 1]", "[1, 7, 6, 2], filter: [3, 2, $in_channels, 3]"
).replace("strides: 1", "strides: 2", 1)


DYING = """
cases:
  - {id: dying, op: conv2d, input: [1, 10, 7, 1], filter: [1, 1, 1, 1], strides: 1, padding: SAME}
"""


DECLARED_DYING = DYING.replace(
    "}", ", deviations: [{rule: conv2d.values, observed: {crash: SIGSEGV}, reported: unreported}]}"
)


WRONG = """
cases:
  - id: atrous
    op: depthwise_conv2d
    input: [1, 9, 9, 1]
    filter: [3, 3, 1, 1]
    strides: 2
    rate: 2
    padding: SAME
"""


DECLARED = (
    WRONG
    + """
    deviations:
      - rule: depthwise.unit-strides-when-atrous
        observed: {model: phase_strided}
        reported: unreported
"""
)


REFUSED = """
defaults: {op: conv2d, input: [1, 7, 6, 2], filter: [3, 2, $in_channels, 3], padding: SAME}
cases:
  - {id: no-strides, strides: 0}
  - {id: lacking, strides: 2, requires: {tensorflow: ">=99"}}
"""


def records(pytester, name="results"):
    return read(pytester.path / f"reports/{name}.jsonl")
