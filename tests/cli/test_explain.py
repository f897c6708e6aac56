"""What `explain` prints: its picture is read back and held against the geometry, its sentences
against calls worked out by hand.
"""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_conv_conformance.cli.main import main
from tf_conv_conformance.cli.picture import draw, first_difference, remarks, view
from tf_conv_conformance.convolution.arguments import Arguments, TensorSpec, interpret
from tf_conv_conformance.convolution.geometry import Axis
from tf_conv_conformance.prediction.models import DOCUMENTED, MODELS, PHASE_STRIDED

BLOG = [
    "depthwise_conv2d",
    "--input",
    "1,24,24,3",
    "--filter",
    "4,4,3,4",
    "--strides",
    "4",
    "--rate",
    "3,3",
    "--padding",
    "VALID",
]


@pytest.fixture
def explained(capsys):
    """What `explain` prints for some words, which must go well."""

    def lines(*words):
        assert main(["explain", *words]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out.splitlines()

    return lines


def part(lines, heading):
    """The lines below a heading, without their indent."""
    start = lines.index(heading) + 1
    end = lines.index("", start) if "" in lines[start:] else len(lines)
    return [line[2:] for line in lines[start:end]]


def test_a_call_that_is_as_documented(explained):
    """By hand: 5 + 1 + 0 rows, a filter of 2 with a gap; the result is 4 × 2."""
    words = [
        "conv2d",
        "--input",
        "1,5,3,1",
        "--filter",
        "2,2,1,1",
        "--strides",
        "1,2",
        "--rate",
        "2,1",
        "--padding",
        "0,0,1,0,0,1,0,0",
        "--at",
        "0,1",
    ]
    assert explained(*words) == [
        (
            "  convolve = lambda x, w: tf.nn.conv2d(x, w, strides=[1, 2], padding=[[0, "
            "0], [1, 0], [0, 1], [0, 0]], dilations=[2, 1])"
        ),
        "  x  float32 of shape [1, 5, 3, 1]",
        "  w  float32 of shape [2, 2, 1, 1]",
        "",
        "What the documentation says",
        "  says  float32 of shape [1, 4, 2, 1]",
        "",
        "The arithmetic",
        (
            "  height: input size n = 5, filter size k = 2, stride s = 1, rate r = 2, "
            "padding 1 before and 0 after"
        ),
        "  n = 5 + 1 + 0 = 6 with padding",
        "  out = ceil((n - (k-1)*r) / s) = ceil((6 - (2-1)*2) / 1) = ceil(4 / 1) = 4",
        (
            "  width: input size n = 3, filter size k = 2, stride s = 2, rate r = 1, "
            "padding 0 before and 1 after"
        ),
        "  n = 3 + 0 + 1 = 4 with padding",
        "  out = ceil((n - (k-1)*r) / s) = ceil((4 - (2-1)*1) / 2) = ceil(3 / 2) = 2",
        "",
        "The input of the result's element in row 0, column 1",
        "     0",
        "  -1 0 0 ○ ○",
        "   0 · · · 0",
        "   1 · · ● ○",
        "   2 · · · 0",
        "   3 · · · 0",
        "   4 · · · 0",
        "",
        (
            "  ● read and multiplied with a filter element   ○ the same, a padded zero   "
            "· input   0 padding"
        ),
    ]


def test_the_blogs_question(explained):
    lines = explained(*BLOG)
    says = " ".join(" ".join(part(lines, "What the documentation says")).split())
    assert says == (
        "says the call must be refused because strides [1,4,4,1] with dilations "
        "[3,3] rule depthwise.unit-strides-when-atrous "
        "(tf.nn.depthwise_conv2d in TensorFlow 2.21.0): If any value in `dilations` "
        "is greater than 1, we perform atrous depthwise "
        "convolution, in which case all values in the `strides` tensor must be equal "
        "to 1. formula would give float32 of shape "
        "[1, 4, 4, 12] instead y[:, ::4, ::4] of the same call with strides of 1; or "
        "tf.nn.conv2d(x, tf.reshape(w, [4, 4, 1, 12]), "
        "strides=[4, 4], padding='VALID', dilations=[3, 3]) (more: tf-conv-conformance docs "
        "stride-and-rate) "
        "deploy TFLite, LiteRT and ONNX compute another result than TensorFlow; to get one "
        "result everywhere, write y[:, ::4, ::4] of the same call with strides of 1 "
        "(more: tf-conv-conformance docs deploying)"
    )
    assert part(lines, "The arithmetic") == [
        (
            "height and width: input size n = 24, filter size k = 4, stride s = 4, rate "
            "r = 3, padding VALID"
        ),
        "documented                        phase-strided",
        "out = ceil((n - (k-1)*r) / s)     e = (-n) mod r",
        "    = ceil((24 - (4-1)*3) / 4)      = (-24) mod 3",
        (
            "    = ceil(15 / 4)                  = 0: zeros added so that r divides n + "
            "e, and cropped again"
        ),
        "    = 4                           m = floor(((n+e)/r - k) / s) + 1",
        "                                    = floor(((24+0)/3 - 4) / 4) + 1",
        "                                    = floor(4 / 4) + 1",
        "                                    = 2: outputs of each of the 3 phases",
        "                                  out = r*m - e",
        "                                      = 3*2 - 0",
        "                                      = 6",
    ]
    assert part(
        lines, "The documented result, and that of space to batch with a strided convolution"
    ) == [
        "documented     float32 of shape [1, 4, 4, 12]",
        "phase-strided  float32 of shape [1, 6, 6, 12]",
        "so             the sizes differ, so that no element can be compared with another",
    ]
    picture = part(
        lines,
        "The input of the result's element in row 0, column 1, the first in which the two differ",
    )
    assert [
        [place for place, mark in enumerate(half.split()[1:]) if mark == "●"]
        for half in re.split(r" {4,}", picture[2])
    ] == [
        [4, 7, 10, 13],
        [1, 4, 7, 10],
    ]


def test_the_same_size_with_other_values(explained):
    """Of 5 outputs of an axis 3 are fed alike, so 3 × 3 elements of 25 are."""
    lines = explained(
        *[
            "depthwise_conv2d",
            "--input",
            "1,9,9,2",
            "--filter",
            "3,3,2,2",
            "--strides",
            "2",
            "--rate",
            "2",
            "--padding",
            "SAME",
        ]
    )
    documented, phased = (
        DOCUMENTED.indices(Axis(9, 3, 2, 2, "SAME")),
        PHASE_STRIDED.indices(Axis(9, 3, 2, 2, "SAME")),
    )
    assert documented[:, 0].tolist() == [-2, 0, 2, 4, 6]
    assert phased[:, 0].tolist() == [-2, -1, 2, 3, 6]
    assert (
        "  so             the sizes agree, the values do not: 16 of 5 × 5 elements "
        "are sums of other inputs"
    ) in lines


def test_where_the_two_agree(explained):
    """A filter of 3 with gaps of 1 spans 5 of 9, and the stride of 5 leaves no second step: one
    element, in phases as well.
    """
    lines = explained(
        *[
            "depthwise_conv2d",
            "--input",
            "1,9,9,1",
            "--filter",
            "3,3,1,1",
            "--strides",
            "5",
            "--rate",
            "2",
            "--padding",
            "VALID",
        ]
    )
    assert "  so             the two agree: every element is the sum of the same inputs" in lines
    assert part(lines, "The input of the result's element in row 0, column 0")[0] == "in both"


def test_an_element_that_one_of_two_results_has(explained):
    lines = explained(*BLOG, "--at", "5,5")
    assert "  The documented result has no such element." in lines
    assert part(lines, "The input of the result's element in row 5, column 5")[0] == "phase-strided"


def test_an_element_that_both_feed_alike_is_drawn_once(explained):
    assert (
        part(
            explained(*BLOG, "--at", "0,0"), "The input of the result's element in row 0, column 0"
        )[0]
        == "in both"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            [*BLOG, "--at", "6,0"],
            "--at: the result has no element 6,0, counted from 0; its rows × columns "
            "are: documented 4 × 4, phase-strided 6 × 6",
        ),
        (
            [
                "conv2d",
                "--input",
                "1,3,3,1",
                "--filter",
                "5,5,1,1",
                "--strides",
                "1",
                "--at",
                "0,0",
            ],
            "--at: the result has no element 0,0, counted from 0; its rows × columns "
            "are: documented 0 × 0",
        ),
        (
            [
                "conv2d",
                "--input",
                "1,3,3,1",
                "--filter",
                "1,1,1,1",
                "--strides",
                "1,2,3",
                "--at",
                "0,0",
            ],
            "--at: the result has no element 0,0, counted from 0; its rows × columns "
            "are: documented none",
        ),
    ],
)
def test_an_element_that_is_not_there(capsys, words, said):
    assert main(["explain", *words]) == 2
    assert capsys.readouterr() == ("", f"tf-conv-conformance: {said}\n")


def test_no_result_and_no_meaning(explained):
    lines = explained(*["conv2d", "--input", "1,3,3,1", "--filter", "5,5,1,1", "--strides", "1"])
    assert "  formula  no result: the size of the result would be -1 × -1" in lines
    assert (
        "  out = ceil((n - (k-1)*r) / s) = ceil((3 - (5-1)*1) / 1) = ceil(-1 / 1) = "
        "-1: no such tensor exists"
    ) in lines
    assert part(lines, "The input of the result") == [
        "It has no elements, so there is nothing to draw."
    ]
    lines = explained(
        *["conv2d", "--input", "1,3,3,1", "--filter", "1,1,1,1", "--strides", "1,2,3"]
    )
    assert lines[-1] == "  formula  no result: the arguments have no meaning as a convolution"


def test_large_pictures_are_cropped_around_what_is_read(explained):
    lines = explained(
        *[
            "conv2d",
            "--input",
            "1,300,400,3",
            "--filter",
            "5,5,3,1",
            "--strides",
            "3",
            "--rate",
            "7",
            "--padding",
            "SAME",
            "--at",
            "40,60",
        ]
    )
    picture = part(lines, "The input of the result's element in row 40, column 60")
    assert len(picture) == 1 + 30
    assert sum(line.count("●") for line in picture) == 25
    assert "  cropped to rows 107 to 136 of -13 to 312" in lines
    assert max(map(len, lines)) <= 120


def test_what_does_not_fit_is_counted(explained):
    lines = explained(
        *[
            "conv2d",
            "--input",
            "1,4,4,1",
            "--filter",
            "2,2,1,1",
            "--strides",
            "1",
            "--padding",
            "SAME",
            "--rate",
            "1073741824",
        ]
    )
    assert "  3 of the 4 elements that are read are outside" in lines
    assert max(map(len, lines)) <= 120


def test_an_empty_filter_reads_nothing(explained):
    assert "  nothing is read: the filter is empty" in explained(
        *["conv2d", "--input", "1,4,4,1", "--filter", "0,1,1,1", "--strides", "1"]
    )


def test_a_gradient_is_said_to_be_one(explained):
    lines = explained(
        *[
            "conv2d",
            "--input",
            "1,5,5,1",
            "--filter",
            "2,2,1,1",
            "--strides",
            "1",
            "--gradient",
            "filter",
        ]
    )
    assert "  says  float32 of shape [2, 2, 1, 1]" in lines
    assert "The input of the convolution's element in row 0, column 0" in lines


def test_no_tensorflow_and_no_control_codes(tmp_path):
    """With a TensorFlow that cannot be imported, and an encoding that has none of the marks."""
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('imported')")
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "PYTHONIOENCODING": "ascii",
    }
    command = [sys.executable, "-m", "tf_conv_conformance.cli", "explain", *BLOG]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not re.search(r"[^\x20-\x7e\n]", done.stdout)
    assert done.stdout.count("#") == 2 * 16 + 1
    assert all(line == line.rstrip() for line in done.stdout.splitlines())


AXES = st.builds(
    Axis,
    st.integers(0, 12),
    st.integers(0, 4),
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from(["SAME", "VALID", (2, 1), (0, 3)]),
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(MODELS.values())),
    AXES,
    AXES,
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(4, 40),
)
def test_the_picture_shows_what_is_read(model, height, width, row, column, limit):
    rows, columns = view(model, height, row, limit), view(model, width, column, limit)
    assert (rows is None) == (row >= model.size(height))
    if rows is None or columns is None:
        return
    seen = {}
    for line in draw(rows, columns).plain.split("\n")[1:]:
        label, *marks = line.split()
        seen |= {(int(label), columns.first + place): mark for place, mark in enumerate(marks)}
    assert len(seen) == (rows.last - rows.first) * (columns.last - columns.first)
    assert rows.last - rows.first <= limit
    reads = {
        (int(i), int(j)) for i in model.indices(height)[row] for j in model.indices(width)[column]
    }
    assert {place for place, mark in seen.items() if mark in "●○"} == reads & seen.keys()
    inside = {(i, j) for i in range(height.size) for j in range(width.size)}
    assert {place for place, mark in seen.items() if mark in "●·"} == inside & seen.keys()
    outside = len(reads - seen.keys())
    assert any(
        remark.startswith(f"{outside} of the {len(reads)} ") for remark in remarks(rows, columns)
    ) == (outside > 0)


def test_the_first_that_is_fed_differently():
    def first(height, width):
        arguments = Arguments(
            "depthwise_conv2d",
            TensorSpec((1, 4, 4, 1)),
            TensorSpec((2, 2, 1, 1)),
            (1, 1, 1, 1),
            "VALID",
        )
        interpretation = replace(interpret(arguments), height=height, width=width)
        return first_difference(interpretation, tuple(MODELS.values()))

    alike, unlike, longer = (
        Axis(9, 3, 1, 2, "VALID"),
        Axis(9, 3, 2, 2, "VALID"),
        Axis(24, 4, 4, 3, "VALID"),
    )
    assert first(alike, alike) == (0, 0)
    assert first(unlike, alike) == (1, 0)
    assert first(alike, unlike) == (0, 1)
    assert first(longer, longer) == (0, 1)


def test_the_page_shows_what_is_printed(repository, explained):
    page = (repository / "docs/command-line.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"```sh\ntf-conv-conformance explain (.*)\n```", page)
    printed = page.partition(command)[2].partition("```text\n")[2].partition("```")[0]
    assert explained(*command.split()) == printed.splitlines()
