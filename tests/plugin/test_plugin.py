"""The plugin through real pytest runs, as its users meet it: with real TensorFlow where that
matters, else with the subject that starts at once.
"""

import json
import textwrap
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from support.faulty_runs import FAULTY
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
CRASHING = """
defaults: {op: depthwise_conv2d, strides: 1, padding: SAME, modes: xla}
cases:
  - {id: before, input: [1, 4, 4, 1], filter: [3, 3, 1, 2]}
  - {id: zero-channels, input: [1, 4, 4, 0], filter: [3, 3, 0, 2]}
  - {id: after, input: [1, 5, 4, 1], filter: [3, 3, 1, 2]}
  - {id: long-after, input: [1, 6, 4, 1], filter: [3, 3, 1, 2]}
"""


@pytest.fixture
def write(pytester):
    """Write case files, by path and text."""

    def files(**texts):
        for name, text in texts.items():
            path = pytester.path / name.replace("__", "/")
            path = path.with_suffix(".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")

    return files


@pytest.fixture
def run(pytester):
    """Run pytest in this process, without this project's configuration."""
    return lambda *arguments: pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)


@pytest.fixture
def run_apart(pytester):
    """Run pytest in a process of its own, where something stays behind: TensorFlow, a changed
    module.
    """
    return lambda *arguments: pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


@pytest.fixture
def run_faulty(run):
    """Run it with the subject that starts at once, which has the name `faulty`."""
    return lambda *arguments: run("--tf-subject", FAULTY, *arguments)


def records(pytester, name="results"):
    return read(pytester.path / f"reports/{name}.jsonl")


@pytest.mark.tensorflow
def test_each_call_and_mode_is_a_test(pytester, write, run_apart):
    write(cases__folder__good=LARGER)
    result = run_apart("cases", "-v")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(
        [
            "cases/folder/good.yaml::plain[[]eager[]] PASSED*",
            "cases/folder/good.yaml::plain[[]graph[]] PASSED*",
            "cases/folder/good.yaml::plain[[]xla[]] PASSED*",
            "cases/folder/good.yaml::double[[]eager[]] PASSED*",
            "cases/folder/good.yaml::double[[]xla[]] PASSED*",
            "5 calls: 5 conforms",
            f"records: {pytester.path}/reports/results.jsonl",
            f"report:  {pytester.path}/reports/index.html",
        ]
    )
    assert records(pytester).complete
    assert "oneDNN" not in result.stderr.str(), "TensorFlow's chatter stays out of the terminal"
    assert "cpu_feature" not in result.stdout.str()
    assert "<h1>" in (pytester.path / "reports/index.html").read_text(encoding="utf-8")


def test_collection_is_complete_without_tensorflow(pytester, write, run):
    """With a TensorFlow that cannot be imported, collection does not notice."""
    write(cases__good=GOOD, cases__bad="cases:\n  - {id: x, op: conv2d, inptu: [1]}\n")
    (pytester.path / "tensorflow.py").write_text("raise SystemExit('imported')")
    result = run("cases", "--collect-only", "-q")
    result.stdout.fnmatch_lines(
        ["cases/bad.yaml:2:25: cases[[]0[]].inptu: unknown key; did you mean 'input'?"]
    )
    assert result.ret == 1
    assert not (pytester.path / "reports").exists()


def test_one_bad_case_or_file_does_not_stop_the_others(pytester, write, run_faulty):
    write(
        cases__a_bad=GOOD + "  - {id: bad, strides: yes}\n",
        cases__b_none="cases: [op: ",
        cases__c_good=GOOD,
    )
    result = run_faulty("cases", "--tf-modes", "eager")
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*bad[[]invalid[]]*",
            "11:24: strides: expected an integer; got the string 'yes'",
            "    cases/a_bad.yaml:11:24",
            "*:*: not YAML: *",
            "    cases/b_none.yaml:*",
            "FAILED cases/a_bad.yaml::bad[[]invalid[]] - 11:24: strides: expected an*",
        ]
    )
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["-k", "plain and eager"], ["plain[eager]"]),
        (["-m", "tf_depthwise_conv2d and tf_xla"], ["double[xla]"]),
        (["-m", "tf_float64 and not tf_xla"], ["double[eager]"]),
        (["-m", "tf_half"], ["half[eager]"]),
        (["--tf-modes", "graph"], ["plain[graph]"]),
        (
            ["--tf-modes", "graph,eager", "-m", "tf_conv2d and not tf_half"],
            ["plain[eager]", "plain[graph]"],
        ),
    ],
)
def test_selection(pytester, write, run, options, names):
    write(cases__good=GOOD + "  - {id: half, dtype: half, strides: 1, modes: eager}\n")
    result = run("cases", "--collect-only", "-q", "--strict-markers", *options)
    assert [line.partition("::")[2] for line in result.outlines if "::" in line] == names


def test_an_id_can_be_pasted_back(pytester, write, run_faulty):
    swept = (
        "  - {id: swept, modes: eager, strides: 1, sweep: {rate: [1, [1, 2]], padding: "
        "[[[0, 0], [0, 0], [0, 0], [0, 0]]]}}\n"
    )
    write(cases__good=GOOD + swept)
    run_faulty(
        "cases/good.yaml::swept[faulty-padding0:0x0:0x0:0x0:0-rate1x2-eager]", "-v"
    ).assert_outcomes(passed=1)
    planned = list(records(pytester, "results-faulty").calls)
    assert planned == ["cases/good.yaml::swept[padding0:0x0:0x0:0x0:0-rate1x2-eager]"], (
        "the plan is what was selected"
    )


def test_a_file_or_another_folder_can_be_named(pytester, write, run):
    write(elsewhere__good=GOOD, probes__good=GOOD, compose=GOOD)
    assert run("--collect-only", "-q").ret == 5
    assert (
        len(
            [
                line
                for line in run("elsewhere/good.yaml", "--collect-only", "-q").outlines
                if "::" in line
            ]
        )
        == 5
    )
    assert (
        len(
            [
                line
                for line in run(".", "--tf-cases", "probes", "--collect-only", "-q").outlines
                if "::" in line
            ]
        )
        == 5
    )
    pytester.makeini("[pytest]\ntf_cases = probes elsewhere")
    assert len([line for line in run("--collect-only", "-q").outlines if "::" in line]) == 10


@pytest.mark.tensorflow
def test_a_failure_prints_what_a_person_needs(pytester, write, run):
    write(cases__wrong=WRONG)
    result = run("cases", "--tf-modes", "eager")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            (
                "violates: not refused: strides [[]1,2,2,1[]] with dilations [[]2,2[]] "
                "(depthwise.unit-strides-when-atrous)"
            ),
            "  case *cases/wrong.yaml:3 atrous[[]eager[]]",
            "  values *first at [[]0, *, 0[]]: *, not * as predicted*",
            "  fed by *input[[]0, rows {*}, columns {*}, channels 0[]], as documented",
            "  *, phase-strided",
            "  explained *phase_strided*",
            "  rule *: If any value in*",
            "  predicted *an exception*the formula*",
            "  *would give [[]1, 5, 5,*",
            "  observed *float32 of shape [[]1, 5, 5, 1[]]",
            "  instead *y[[]:, ::2, ::2[]] of the same call with strides of 1; or tf.nn.conv2d(x*",
            "    import tensorflow as tf",
            (
                "    convolve = *tf.nn.depthwise_conv2d(x, w, strides=[[]1, 2, 2, 1[]], "
                "padding='SAME', dilations=[[]2, 2[]])"
            ),
        ]
    )
    output = result.stdout.str()
    assert "Traceback" not in output
    assert "site-packages" not in output.partition("the call, to paste and run")[0].partition(
        "FAILURES"
    )[2].replace("tensorflow/python", "")
    source = textwrap.dedent(
        output.partition("to paste and run:\n")[2].partition("print(y.numpy())")[0]
    )
    script = pytester.makepyfile(pasted=source)
    assert "(1, 5, 5, 1)" in pytester.runpython(script).stdout.str()


def test_a_deviation_is_an_expected_failure_and_a_stale_one_fails(write, run_faulty):
    stale = GOOD + (
        "    deviations: [{rule: depthwise.values, observed: {error: ValueError}, "
        "reported: unreported}]\n"
    )
    write(cases__declared=DECLARED_DYING, cases__stale=stale)
    result = run_faulty("cases", "--tf-modes", "eager", "-rx")
    result.assert_outcomes(xfailed=1, passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["XFAIL *dying[[]faulty-eager[]]*conv2d.values (SIGSEGV; unreported)"]
    )
    result.stdout.fnmatch_lines(
        ["resolved: delete the deviation from depthwise.values: the documentation holds"]
    )
    assert run_faulty("cases/declared.yaml", "--tf-modes", "eager", "--runxfail").ret == 1


@pytest.mark.tensorflow
def test_a_crash_costs_one_test(pytester, write, run):
    """The crashes of the other subject, in test_faults.py, are with workers as well."""
    write(cases__crashing=CRASHING)
    result = run("cases")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        ["crashed: *the process died (SIGFPE)*", "*Floating point exception*"]
    )
    ends = records(pytester).ends
    assert {identifier.partition("::")[2]: end["verdict"] for identifier, end in ends.items()} == {
        "before[xla]": "conforms",
        "zero-channels[xla]": "crashed",
        "after[xla]": "conforms",
        "long-after[xla]": "conforms",
    }


@pytest.mark.slow
def test_with_xdist_the_records_are_those_of_one_process(pytester, write, run_faulty):
    write(cases__good=GOOD, cases__declared=DECLARED_DYING)

    def outcome(*workers):
        assert run_faulty("cases", *workers).ret == 0
        found = records(pytester, "results-faulty")
        assert found.complete
        same = {
            k: {key: value for key, value in end.items() if key != "seconds"}
            for k, end in found.ends.items()
        }
        return found.calls, found.cases, list(found.subjects), dict(sorted(same.items()))

    assert outcome() == outcome("-n", "2")


def test_last_failed_and_exit_first(pytester, write):
    write(cases__a_wrong=DYING, cases__good=GOOD)
    options = ("cases", "--tf-modes", "eager", "--tf-subject", FAULTY)
    first = pytester.runpytest_inprocess(*options, "-x")
    first.assert_outcomes(failed=1)
    found = records(pytester, "results-faulty")
    assert not found.complete
    assert len(found.calls) - len(found.ends) == 2, "planned, and never made: missing"
    again = pytester.runpytest_inprocess(*options, "--lf")
    again.assert_outcomes(failed=1)
    assert list(records(pytester, "results-faulty").calls) == ["cases/a_wrong.yaml::dying[eager]"]


@pytest.mark.tensorflow
@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_junit_xml_carries_verdict_rule_and_what_came_out(pytester, write, run, workers):
    write(cases__declared=DECLARED, cases__good=LARGER, cases__z_refused=REFUSED)
    result = run("cases", "--tf-modes", "eager", "--junitxml", "out.xml", "-v", "-rA", *workers)
    result.assert_outcomes(passed=3, xfailed=1, skipped=1)
    refused = "cases/z_refused.yaml::no-strides[[]eager[]]"
    result.stdout.fnmatch_lines(
        [f"*PASSED (refused) {refused}*" if workers else f"{refused} PASSED (refused)*"]
    )
    result.stdout.fnmatch_lines(
        [
            "5 calls: 2 conforms, *1 refused*",
            (
                "refused: TensorFlow raised an exception, as its documentation or the "
                "case's `expect` requires"
            ),
            "all calls refused: cases/z_refused.yaml:4 no-strides (conv2d.strides-positive)",
            f"PASSED (refused) {refused}",
        ]
    )
    result.stdout.fnmatch_lines(
        ["XFAIL *atrous[[]eager[]]*depthwise.unit-strides-when-atrous (phase_strided; unreported)"]
    )
    found = {
        case.get("name"): [(one.get("name"), one.get("value")) for one in case.iter("property")]
        for case in ElementTree.parse(pytester.path / "out.xml").getroot().iter("testcase")
    }
    assert found["atrous[eager]"] == [
        ("verdict", "deviates"),
        ("rule", "depthwise.unit-strides-when-atrous"),
        ("documented", "an exception"),
        ("observed", "float32 of shape [1, 5, 5, 1]"),
    ]
    shape = "float32 of shape [1, 4, 3, 3]"
    assert found["plain[eager]"] == [
        ("verdict", "conforms"),
        ("documented", shape),
        ("observed", shape),
    ]
    (verdict, documented, observed) = found["no-strides[eager]"]
    assert (verdict, documented) == (("verdict", "refused"), ("documented", "an exception"))
    assert observed[0] == "observed"
    assert "Error: " in observed[1]
    assert found["lacking[eager]"] == [("verdict", "unsupported"), ("documented", shape)]


def test_what_the_subject_lacks_is_skipped_with_the_reason(write, run_faulty):
    write(
        cases__good=GOOD.replace("strides: 1", "strides: 1\n    requires: {tensorflow: '>=99'}", 1)
    )
    result = run_faulty("cases", "--tf-modes", "eager", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            (
                "SKIPPED ?1? cases/good.yaml:4: requires tensorflow >=99, but the "
                "subject has tensorflow *"
            )
        ]
    )


def test_time_limit(write, run_faulty):
    write(cases__hanging=DYING.replace("10, 7", "12, 7"))
    result = run_faulty("cases", "--tf-modes", "xla", "--tf-timeout", "0.1")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["timed out: *no answer within 0.1 s*"])


@pytest.mark.tensorflow
def test_in_process(pytester, write, run_apart):
    write(cases__good=GOOD)
    run_apart("cases", "--tf-in-process").assert_outcomes(passed=5)


def test_no_tensorflow_is_one_clear_error(pytester, write, run, monkeypatch):
    write(cases__good=GOOD)
    (pytester.path / "tensorflow.py").write_text("raise ImportError('libcudart is missing')")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    result = run("cases")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "TensorFlow did not start in *: ImportError: libcudart is missing",
            "*pip install*",
            "*TensorFlow did not start*",
        ]
    )
    assert result.ret != 0
    assert "Traceback" not in result.stdout.str().partition("its last output")[0]
    assert len(records(pytester).calls) == 5


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--tf-modes", "jit"],
            "--tf-modes: 'jit' is not one of eager, graph, xla, saved_model, tflite",
        ),
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


def test_other_tests_beside_are_left_alone(pytester, write, run_faulty):
    write(cases__good=GOOD)
    pytester.makepyfile(test_other="def test_it(): pass")
    assert run_faulty("test_other.py").ret == 0
    assert not (pytester.path / "reports").exists()
    run_faulty(".", "--tf-modes", "eager").assert_outcomes(passed=3)
    assert len(records(pytester, "results-faulty").calls) == 2


@pytest.mark.tensorflow
def test_a_call_is_recorded_with_all_it_takes_to_make_it_again(pytester, write, run):
    write(cases__declared=DECLARED)
    run("cases", "--tf-modes", "eager", "--tf-reports", "out/put")
    lines = [
        json.loads(line)
        for line in Path(pytester.path / "out/put/results.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    ]
    assert [line["type"] for line in lines] == [
        "header",
        "case",
        "call",
        "start",
        "subject",
        "end",
        "footer",
    ]
    _, _, call, _, subject, end, _ = lines
    assert call["arguments"]["strides"] == [1, 2, 2, 1]
    assert call["predicted"] == {
        "refuses": ["depthwise.unit-strides-when-atrous"],
        "shape": [1, 5, 5, 1],
    }
    assert end["observed"] == {"shape": [1, 5, 5, 1], "dtype": "float32"}
    assert [arm["name"] for arm in end["data"]] == ["small_integers", "wide_integers"]
    assert subject["sentences"]["depthwise.unit-strides-when-atrous"].startswith(
        "If any value in `dilations`"
    )


@pytest.mark.slow
def test_a_link_to_outside_is_not_read(pytester, tmp_path_factory):
    secret = tmp_path_factory.mktemp("outside") / "secret.yaml"
    secret.write_text("cases: [{op: conv2d, password: hunter2}]\n", encoding="utf-8")
    pytester.makeini("[pytest]\n")
    pytester.mkdir("cases").joinpath("a.yaml").symlink_to(secret)
    result = pytester.runpytest_subprocess("cases")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*is a link to outside of the project*"])
    result.stdout.no_fnmatch_line("*hunter2*")
    result.stdout.no_fnmatch_line("*password*")
