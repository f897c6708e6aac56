"""What docs/stride-and-rate.md states: its formulas and drawing against the geometry, its snippets
against TensorFlow.
"""

import re
from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest

from support import programs
from tf_conv_conformance.convolution.geometry import (
    Axis,
    documented_padding,
    documented_size,
    phase_strided_padding,
    phase_strided_size,
)
from tf_conv_conformance.prediction.models import DOCUMENTED, PHASE_STRIDED

documented_taps, phase_strided_taps = DOCUMENTED.taps, PHASE_STRIDED.taps

PADDINGS = ["VALID", "SAME", (1, 2), (3, 0), (0, 4)]
AXES = [
    Axis(*numbers)
    for numbers in product(range(1, 21), range(1, 6), range(1, 6), range(1, 6), PADDINGS)
]
PROGRAM = """
import contextlib, io, json, re, sys, warnings
import tensorflow as tf
tf.config.set_visible_devices([], "GPU")
snippets, text = json.load(sys.stdin)
lines = re.findall(r"^(subsampled|blocks|dense|grouped) = (.*)$", text, re.MULTILINE)
sources = dict(lines)
sources["dense"] = sources["dense"].replace("blocks", sources["blocks"])
x = tf.reshape(tf.range(10 * 10 * 3.0) % 7, [1, 10, 10, 3])
w = tf.reshape(tf.range(3 * 3 * 3 * 2.0) % 5, [3, 3, 3, 2])
expected, found = None, []
for mode in ("eager", "graph", "xla"):
    for way in ("subsampled", "dense", "grouped"):
        call = eval("lambda x, w: " + sources[way])
        call = call if mode == "eager" else tf.function(call, jit_compile=mode == "xla")
        with tf.GradientTape() as tape:
            tape.watch(w)
            result = call(x, w)
        expected = result if expected is None else expected
        try:
            gradient = tape.gradient(result, w) is not None
        except tf.errors.InvalidArgumentError:
            gradient = False
        found.append((mode, way, bool(tf.reduce_all(result == expected)), gradient))
warnings.simplefilter("ignore")
printed = []
for snippet in snippets:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(snippet, "<page>", "exec"), {"__name__": "page"})
    printed.append(out.getvalue())
print(json.dumps([printed, found]))
"""


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs/stride-and-rate.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def blocks(page):
    """Every fenced block in order: its language and text."""
    return re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL)


@pytest.fixture(scope="module")
def formulas(blocks):
    """The blocks of formulas, in the page's order: sizes (2), paddings of SAME (2), the offset."""
    found = [
        compile(text, "<page>", "exec")
        for language, text in blocks
        if language == "python" and "import" not in text
    ]
    assert len(found) == 5
    return found


def evaluate(formula, **names):
    """What the lines of a block assign; i and d are arrays, so that `read` is a table like the
    geometry's.
    """
    exec(formula, {"max": max}, names)
    return names


def padded(axis, before_and_after):
    """The reads' names of an axis: sizes with padding, and output and filter indices."""
    outputs = np.arange(axis.size + sum(before_and_after) + 1)[:, None]
    return {
        "n": axis.size + sum(before_and_after),
        "k": axis.filter,
        "s": axis.stride,
        "r": axis.rate,
        "i": outputs,
        "d": np.arange(axis.filter),
    }


def same_reads(one, other):
    return one.shape == other.shape and np.array_equal(one, other)


def within(reads, axis, before):
    reads = reads - before
    return np.where((reads >= 0) & (reads < axis.size), reads, -1)


@pytest.mark.parametrize(
    ("which", "padding", "size", "taps"),
    [
        (0, documented_padding, documented_size, documented_taps),
        (1, phase_strided_padding, phase_strided_size, phase_strided_taps),
    ],
    ids=["documented", "phase-strided"],
)
def test_sizes_and_reads(formulas, which, padding, size, taps):
    for axis in AXES:
        said = evaluate(formulas[which], **padded(axis, padding(axis)))
        assert max(said["size"], -1) == max(size(axis), -1), axis
        expected = taps(axis)
        assert same_reads(
            within(said["read"], axis, padding(axis)[0])[: len(expected)], expected
        ), axis


@pytest.mark.parametrize(
    ("which", "padding"),
    [(2, documented_padding), (3, phase_strided_padding)],
    ids=["documented", "phase-strided"],
)
def test_padding_of_same(formulas, which, padding):
    for axis in AXES:
        if axis.padding == "SAME":
            said = evaluate(
                formulas[which],
                n=axis.size,
                k=axis.filter,
                s=axis.stride,
                r=axis.rate,
                span=axis.dilated_filter,
            )
            assert (said["before"], said["total"] - said["before"]) == padding(axis), axis


def test_the_displacement(page, formulas):
    (said,) = re.findall(r"reads `([^`]+)` inputs further left", page)
    for axis in AXES:
        names = padded(axis, (0, 0))
        documented, phased = (evaluate(formula, **names)["read"] for formula in formulas[:2])
        displaced = np.broadcast_to(eval(said, names), documented.shape)
        assert np.array_equal(documented - phased, displaced), axis


def test_the_offset_of_subsampling(formulas):
    """Stride 1 from the offset on is the documented result; the offset is 0 exactly where the page
    says so.
    """
    for axis in AXES:
        n, k, s, r = axis.size, axis.filter, axis.stride, axis.rate
        if documented_size(axis) < 1:
            continue
        said = evaluate(formulas[4], n=n, k=k, s=s, r=r)
        whole = phase_strided_taps(Axis(n, k, 1, r, axis.padding))
        begin = said["offset"] if axis.padding == "SAME" else 0
        assert same_reads(whole[begin::s], documented_taps(axis)), axis
        assert (said["offset"] == 0) == (
            said["span"] <= 2 or n % s == 1 % s or (said["span"] % 2 == 0 and said["last"] == 2)
        ), axis
        if k % 2 and k > 1:
            assert (said["offset"] == 0) == (n % s == 1 % s), axis
            assert s != 2 or said["offset"] == 1 - n % 2, axis


def agree_as_stated(axis):
    """The page's list of when the two agree, for an axis of a call that is cut into phases."""
    n, k, s, r = axis.size, axis.filter, axis.stride, axis.rate
    if s == 1:
        return True
    if axis.padding == "SAME":
        if r == 1:
            return k <= 2 or n % s == 1 or (k % 2 == 0 and (n % s or s) == 2)
        return n == 1 or (k == 1 and n <= s and n % r == 1)
    n += 0 if axis.padding == "VALID" else sum(axis.padding)
    return r == 1 or ((n - axis.dilated_filter) % r == 0 and n - axis.dilated_filter < s)


def test_when_the_two_agree():
    for axis in AXES:
        if documented_size(axis) < 1:
            continue
        one, other = documented_taps(axis), phase_strided_taps(axis)
        if same_reads(one, other) == agree_as_stated(axis):
            continue
        assert axis.padding not in ("VALID", "SAME"), axis
        displaced = np.arange(len(one)) % axis.rate > 0
        assert same_reads(one, other), axis
        assert np.all(one[displaced] == -1), axis


def test_the_counts(page):
    found = Counter()
    for numbers in product(range(1, 41), range(1, 6), range(2, 6), range(2, 6), ["VALID"]):
        axis = Axis(*numbers)
        if documented_size(axis) < 1:
            continue
        one, other = documented_taps(axis), phase_strided_taps(axis)
        found["all"] += 1
        if same_reads(one, other):
            found["agree"] += 1
            assert len(one) == 1
        else:
            found[
                "same size" if documented_size(axis) == phase_strided_size(axis) else "another size"
            ] += 1
    text = " ".join(page.split())
    assert (
        f"of all {found['all']} axes with n up to 40, k up to 5, s and r from 2 to 5 "
        f"and a `VALID` result, {found['agree']} agree"
    ) in text
    assert (
        f"{found['another size']} have another size, and {found['same size']} have "
        "the same size with other reads"
    ) in text
    assert f"Those {found['same size']} are" in text


def test_the_question_in_numbers(page):
    axis = Axis(24, 4, 4, 3, "VALID")
    starts = re.findall(r"^(conv2d|depthwise_conv2d) +([\d ]+)$", page, re.MULTILINE)
    assert [[int(start) for start in line.split()] for _, line in starts] == [
        documented_taps(axis)[:, 0].tolist(),
        phase_strided_taps(axis)[:, 0].tolist(),
    ]
    text = " ".join(page.split())
    assert "The span is 10, and the documented size is (24 - 10) // 4 + 1 = 4." in text
    assert axis.dilated_filter == 10
    assert documented_size(axis) == (24 - 10) // 4 + 1 == 4
    assert (
        "each phase gives (8 - 4) // 4 + 1 = 2, and the phase-strided size is 3 × 2 - 0 = 6" in text
    )
    assert phase_strided_size(axis) == 3 * ((8 - 4) // 4 + 1) - 0 == 6


def test_the_drawing(blocks):
    (drawing,) = [text for language, text in blocks if language == "text" and "●" in text]
    axis = Axis(8, 2, 2, 2, "VALID")
    inputs, documented, phased = drawing.split("\n\n")
    assert [int(number) for number in inputs.split()[1:]] == list(range(axis.size))
    for part, taps in ((documented, documented_taps(axis)), (phased, phase_strided_taps(axis))):
        rows = re.findall(
            r"^out\[(\d)\] = (\d) \+ (\d) +([●· ]+)(?:phase (\d))?$", part, re.MULTILINE
        )
        assert [int(row[0]) for row in rows] == list(range(len(taps)))
        assert [[int(row[1]), int(row[2])] for row in rows] == taps.tolist()
        assert [
            [position for position, mark in enumerate(row[3].split()) if mark == "●"]
            for row in rows
        ] == taps.tolist()
        assert all(len(row[3].split()) == axis.size for row in rows)
        assert all(row[4] in ("", str(int(row[0]) % axis.rate)) for row in rows)
    columns = {line.index("●") for line in drawing.splitlines() if line.startswith("out[0]")}
    assert columns == {inputs.index("0")}
    phases = re.findall(r"phase (\d) holds ([\d ]+)", phased)
    assert [[int(number) for number in held.split()] for _, held in phases] == [
        list(range(p, axis.size, axis.rate)) for p in range(2)
    ]
    assert "moves by 2, which is 4 in the input" in phased
    assert axis.stride * axis.rate == 4


def snippets_of(blocks):
    """The snippets of the page, and what it says that each prints."""
    for (language, text), (following, output) in pairwise(blocks):
        if language == "python" and "import" in text:
            assert following == "text"
            yield text, output


@pytest.fixture(scope="module", params=["0", "1"])
def ran(request, blocks):
    """Whether oneDNN was on, what the snippets printed, and what the three ways gave."""
    snippets = [text for text, _ in snippets_of(blocks)]
    (ways,) = [text for language, text in blocks if language == "python" and "grouped = " in text]
    onednn = request.param
    found = programs.printed(PROGRAM, [snippets, ways], TF_ENABLE_ONEDNN_OPTS=onednn)
    return onednn == "1", *found


@pytest.mark.tensorflow
def test_the_snippets_print_what_the_page_says(blocks, ran):
    expected = [output for _, output in snippets_of(blocks)]
    _, printed, _ = ran
    assert len(expected) == 7
    assert printed == expected


@pytest.mark.tensorflow
def test_the_three_ways_in_every_mode(ran):
    """The same values in every mode; gradients of all but `conv2d` without oneDNN or XLA."""
    onednn, _, ways = ran
    forwards_only = {
        ("eager", "dense"),
        ("eager", "grouped"),
        ("graph", "dense"),
        ("graph", "grouped"),
    }
    found = {(mode, way): (equal, gradient) for mode, way, equal, gradient in ways}
    assert len(found) == 9
    assert all(equal for equal, _ in found.values())
    assert {key for key, (_, gradient) in found.items() if not gradient} == (
        set() if onednn else forwards_only
    )


def test_the_documented_sentence_is_tensorflows(page, tensorflow):
    (quoted,) = re.findall(r"((?:^> .*\n)+)", page, re.MULTILINE)
    sentence = " ".join(quoted.replace("> ", "").split())
    docstring = tensorflow.documentation["tf.nn.depthwise_conv2d"]
    assert sentence in " ".join(docstring.split())


def test_the_reports_that_are_named(page):
    for kind, number in (("issues", 27667), ("issues", 100237), ("pull", 127827)):
        assert f"[#{number}](https://github.com/tensorflow/tensorflow/{kind}/{number})" in page
