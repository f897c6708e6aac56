"""The options of the plugin, wrong ones and those that compare with an earlier run."""

import pytest

from support.faulty_runs import FAULTY
from support.plugin_cases import DECLARED_DYING, DYING, GOOD, records
from tf_conv_conformance.convolution.names import MODES


@pytest.mark.parametrize("options", [["-q"], ["-v"], ["-n", "1"], ["-n", "1", "-v"]])
@pytest.mark.slow
def test_progress_stands_on_lines_of_its_own(pytester, write, run_apart, options):
    """With nothing to wait for: the first call has no rate to tell yet, and after the last nothing
    is left.

    Of two workers, both calls may be reported before a line is written.
    """
    write(cases__good=GOOD)
    pytester.makeconftest("from tf_conv_conformance.plugin import progress\nprogress.EVERY = 0.0")
    result = run_apart("cases", "--tf-subject", FAULTY, *options)
    result.assert_outcomes(passed=5)
    said = [line for line in result.outlines if " of 5 calls (" in line]
    assert [line.partition(";")[0] for line in said] == [
        f"{done} of 5 calls ({20 * done}%): {done} conforms" for done in (2, 3, 4)
    ]
    assert all(line.endswith("about 1 s left") for line in said)
    dots = "".join(
        line.partition(" ")[0] for line in result.outlines if set(line.partition(" ")[0]) == {"."}
    )
    assert dots == "....." or "-v" in options or "-q" in options


@pytest.mark.slow
def test_progress_is_silent_where_little_is_asked_for(pytester, write, run_apart):
    write(cases__good=GOOD)
    pytester.makeconftest("from tf_conv_conformance.plugin import progress\nprogress.EVERY = 0.0")
    assert "of 5 calls" not in run_apart("cases", "--tf-subject", FAULTY, "-qq").stdout.str()


@pytest.mark.slow
def test_what_changed_since_an_earlier_run(pytester, write, run_faulty):
    """Against the very file that this run writes; once with workers."""
    earlier = ["--tf-since", "reports/results-faulty.jsonl"]
    write(cases__declared=DYING, cases__good=GOOD)
    assert run_faulty("cases", "--tf-modes", "eager").ret == 1
    result = run_faulty("cases", "--tf-modes", "eager", "-n", "1", *earlier)
    result.stdout.fnmatch_lines(
        ["since reports/results-faulty.jsonl: No change: all 3 calls were compared."]
    )
    write(cases__declared=DECLARED_DYING)
    result = run_faulty("cases", "--tf-modes", "eager", *earlier)
    result.stdout.fnmatch_lines(
        [
            (
                "since reports/results-faulty.jsonl: No change in the 2 compared calls; "
                "not compared: 1 edited."
            )
        ]
    )
    assert result.ret == 0
    path = pytester.path / "reports/results-faulty.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"verdict":"conforms"', '"verdict":"deviates"'), encoding="utf-8")
    result = run_faulty("cases", "--tf-modes", "eager", *earlier)
    result.stdout.fnmatch_lines(
        ["since reports/results-faulty.jsonl: 2 of the 3 compared calls changed."]
    )
    assert result.ret == 0, "the run is judged by its verdicts"
    assert records(pytester, "results-faulty").complete
    assert "since reports/" not in run_faulty("cases", "--tf-modes", "eager").stdout.str()


def test_an_earlier_run_that_cannot_be_read_is_said_before_this_one(pytester, write, run):
    write(cases__good=GOOD)
    (pytester.path / "other.jsonl").write_text("{}\n\n")
    for path, said, workers in (
        ("none.jsonl", "none.jsonl: cannot be read: ", []),
        ("other.jsonl", "other.jsonl:1: expected the header of a record file", ["-n", "1"]),
        ("", "got a folder without results*.jsonl", []),
    ):
        result = run("cases", *workers, "--tf-since", path)
        assert result.ret == 4
        assert "--tf-since: " in result.stderr.str()
        assert said in result.stderr.str()
        assert "Traceback" not in result.stderr.str()
    assert not (pytester.path / "reports").exists()


@pytest.mark.parametrize(
    ("modes", "made"),
    [
        ("+tflite", ["plain[eager]", "plain[tflite]", "half[eager]"]),
        ("tflite", []),
        ("+tflite,tflite", ["plain[tflite]"]),
        ("+graph,eager", ["plain[eager]", "plain[graph]", "half[eager]", "half[graph]"]),
        (
            "all",
            [
                *(f"plain[{mode}]" for mode in MODES),
                *(f"half[{mode}]" for mode in ("eager", "graph", "xla", "saved_model", "onnx")),
            ],
        ),
    ],
)
def test_a_mode_is_added_to_every_case_that_can_be_made_in_it(pytester, modes, made):
    text = """
defaults: {op: conv2d, input: [1, 5, 5, 1], filter: [2, 2, 1, 1], padding: SAME, modes: eager}
cases:
  - {id: plain}
  - {id: half, dtype: half}
"""
    pytester.mkdir("cases").joinpath("a.yaml").write_text(text, encoding="utf-8")
    result = pytester.runpytest_inprocess("cases", "--tf-modes", modes, "--collect-only", "-q")
    ids = [line.partition("::")[2] for line in result.outlines if "::" in line]
    assert ids == made


def test_a_mode_is_not_added_to_a_large_call_that_it_has_no_memory_for(pytester):
    text = """
defaults: {op: conv2d, input: [4, 400, 400, 256], padding: SAME, modes: eager, large: true}
cases:
  - {id: pixel, filter: [1, 1, 256, 1]}
  - {id: square, filter: [3, 3, 256, 1]}
"""
    pytester.mkdir("cases").joinpath("a.yaml").write_text(text, encoding="utf-8")
    options = ("--tf-modes=+xla", "-m", "tf_large", "--collect-only", "-q")
    result = pytester.runpytest_inprocess("cases", *options)
    ids = [line.partition("::")[2] for line in result.outlines if "::" in line]
    assert ids == ["pixel[eager]", "pixel[xla]", "square[eager]"]


@pytest.mark.parametrize("name", ["tf_tflite-reference", "tf_tflite_reference"])
def test_a_mode_with_a_dash_has_a_marker_with_an_underscore_too(pytester, name):
    text = """
defaults: {op: conv2d, input: [1, 5, 5, 1], filter: [2, 2, 1, 1], padding: SAME}
cases:
  - {id: plain, modes: [eager, tflite, tflite-reference]}
"""
    pytester.mkdir("cases").joinpath("a.yaml").write_text(text, encoding="utf-8")
    options = ("--strict-markers", "-m", name, "--collect-only", "-q")
    result = pytester.runpytest_inprocess("cases", *options)
    ids = [line.partition("::")[2] for line in result.outlines if "::" in line]
    assert ids == ["plain[tflite-reference]"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--tf-modes", "jit"],
            "onnx, or all; did you mean 'xla'?",
        ),
        (["--tf-modes", "+tflight"], "did you mean 'tflite'?"),
        (["--tf-modes", "egar"], "--tf-modes: 'egar' is not one of eager, graph, xla, saved_model"),
        (["--tf-timeout", "0"], "--tf-timeout: must be above 0 seconds"),
        (["--tf-timeout", "soon"], "invalid float value"),
    ],
)
def test_wrong_options_are_said(write, run, options, message):
    write(cases__good=GOOD)
    result = run("cases", *options)
    assert result.ret == 4
    assert message in result.stderr.str()


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_said_before_the_run(pytester, write, run):
    write(cases__good=GOOD)
    (pytester.path / "reports").write_text("a file")
    for workers in ([], ["-n", "1"]):
        result = run("cases", *workers)
        assert result.ret != 0
        assert "--tf-reports: cannot write" in result.stdout.str() + result.stderr.str()
        assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_help_explains_the_options(run):
    result = run("--help")
    result.stdout.fnmatch_lines(
        [
            "tf-conv-conformance:*",
            "*--tf-modes*",
            "*--tf-cases*",
            "*--tf-reports*",
            "*--tf-since*",
            "*--tf-timeout*",
            "*--tf-in-process*",
        ]
    )
    run("--markers").stdout.fnmatch_lines(
        [
            "@pytest.mark.tf_conv2d: *",
            "@pytest.mark.tf_xla: *",
            "@pytest.mark.tf_float16: *",
            "@pytest.mark.tf_half: *",
        ]
    )
