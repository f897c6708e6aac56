"""The plugin through real pytest runs: what it collects, selects and records."""

import pytest

from support.faulty_runs import FAULTY
from support.plugin_cases import DYING, GOOD, records


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


LISTED = ("--collect-only", "-q")


def count_collected(result):
    """The number of tests that a run with LISTED names."""
    return len([line for line in result.outlines if "::" in line])


def test_a_file_or_another_folder_can_be_named(pytester, write, run):
    write(elsewhere__good=GOOD, probes__good=GOOD, compose=GOOD)
    assert run("--collect-only", "-q").ret == 5
    assert count_collected(run("elsewhere/good.yaml", *LISTED)) == 5
    assert count_collected(run(".", "--tf-cases", "probes", *LISTED)) == 5
    pytester.makeini("[pytest]\ntf_cases = probes elsewhere")
    assert count_collected(run(*LISTED)) == 10


def test_a_folder_from_which_nothing_is_collected_says_how(pytester, write, run):
    write(probes__deep__good=GOOD, probes__a_compose="services: {cases: {image: x}}")
    run("probes").stdout.fnmatch_lines(
        [
            "probes/deep/good.yaml is a case file, but pytest collects those in folders named"
            " cases; to run it: pytest probes --tf-cases deep"
        ]
    )
    assert count_collected(run("probes", "--tf-cases", "deep", *LISTED)) == 5
    for arguments in (["--collect-only"], ["probes/a_compose.yaml", "-k", "nothing"]):
        run(*arguments).stdout.no_fnmatch_line("*is a case file*")


NO_CASE = "cases:\n  - {id: x, opp: conv2d, input: [1, 4, 4, 1]}\n"


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_file_beside_case_files_that_is_none_is_named(pytester, write, workers):
    write(cases__good=GOOD, cases__bad=NO_CASE, elsewhere__bad=NO_CASE)
    line = (
        "no case file, since it has no `op` in a list `cases`: cases/bad.yaml"
        " (pytest cases/bad.yaml says what is wrong)"
    )
    options = ("--tf-subject", FAULTY, "--tf-modes", "eager", workers)
    assert line in pytester.runpytest_subprocess("cases", *options).outlines
    if workers == "-n0":
        assert line in pytester.runpytest_subprocess("cases", "--collect-only", "-q").outlines


def test_a_run_of_other_tests_names_no_such_file(pytester, write):
    write(cases__bad=NO_CASE)
    line = "no case file, since*cases/bad.yaml*"
    pytester.runpytest_subprocess("cases").stdout.fnmatch_lines([line])
    pytester.runpytest_subprocess().stdout.no_fnmatch_line(line)
    pytester.makepyfile("def test(): pass")
    pytester.runpytest_subprocess(".").stdout.no_fnmatch_line(line)


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


def test_other_tests_beside_are_left_alone(pytester, write, run_faulty):
    write(cases__good=GOOD)
    pytester.makepyfile(test_other="def test_it(): pass")
    assert run_faulty("test_other.py").ret == 0
    assert not (pytester.path / "reports").exists()
    run_faulty(".", "--tf-modes", "eager").assert_outcomes(passed=3)
    assert len(records(pytester, "results-faulty").calls) == 2


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
