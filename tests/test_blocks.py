"""Large sweeps in blocks: the same records and verdicts as with a test for each call. The subject with faults starts at once."""

import json
import os
import re

import pytest
from test_faults import FAULTY, cases, expected
from test_resuming import RECORDS, without_times

from tf_conv_conformance.merging import merge
from tf_conv_conformance.report.page import write
from tf_conv_conformance.results import read

FAULTS = ("crash", "value")


@pytest.fixture
def run(pytester):
    pytester.mkdir("cases").joinpath("a.yaml").write_text(cases(faults=FAULTS), encoding="utf-8")

    def run(*options):
        return pytester.runpytest_subprocess("--tf-timeout=2", "--tf-subject", FAULTY, "-p", "no:cacheprovider", "-q", *options)

    return run


def comparable(path):
    """The lines about calls, without what only a block has; by id."""
    lines = [line for line in without_times(path) if line["type"] in ("call", "end")]
    return {(line["type"], line["id"]): {key: line[key] for key in line if key not in ("block", "number")} for line in lines}


def test_blocks_have_the_records_of_tests_of_one_call(run, pytester):
    run("cases", "--tf-block=1").assert_outcomes(passed=90, failed=2)
    alone = comparable(pytester.path / RECORDS)
    assert len(alone) == 2 * 92
    result = run("cases", "--tf-block=29")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["92 calls: 90 conforms, 1 [cv]*, 1 [cv]*"])
    assert comparable(pytester.path / RECORDS) == alone
    first = without_times(pytester.path / RECORDS)
    run("cases", "--tf-block=29", "-n2").assert_outcomes(passed=2, failed=2)
    assert without_times(pytester.path / RECORDS) == first
    records = read(pytester.path / RECORDS)
    assert records.complete
    assert [block["calls"] for block in records.blocks.values()] == [29, 29, 29, 5]
    assert [line["number"] for line in records.calls.values()] == list(range(92))


def test_a_failing_call_is_named_and_can_be_made_alone(run, pytester):
    result = run("cases", "--tf-block=50", "-n2")
    named = set(re.findall(r"^(cases/a\.yaml::one\[\S+\])$", result.stdout.str(), re.M))
    assert sorted(map(expected, named)) == ["crashed", "violates"]
    result.stdout.fnmatch_lines(["*the call, to paste and run:*"])
    for identifier in named:
        test = identifier.replace("one[", "one[faulty-")
        again = run(test, "--tf-block=50")
        again.assert_outcomes(failed=1)
        assert list(read(pytester.path / RECORDS).ends) == [identifier]


def test_many_failing_calls_are_named_in_bounds(run, pytester):
    sweep = ", ".join(f"[1, {10 * n + 9}, 7, {c}]" for n in range(10) for c in range(1, 16))  # each of them has a wrong value
    text = cases(faults=()).split("sweep")[0].replace("[1, 1, 1, 1]", "[1, 1, $in_channels, 1]").replace("one", "many")
    (pytester.path / "cases/a.yaml").write_text(f"{text}sweep: {{input: [{sweep}]}}}}\n", encoding="utf-8")
    output = run("cases", "--tf-block=149").stdout.str().partition("short test summary")[0]  # which has all of it again where CI is set
    assert "failing calls: 149 (149 violates)" in output
    assert output.count("the call, to paste and run:") == 5 + 1  # the last block has one call
    assert output.count("cases/a.yaml::many[input1x") >= 100
    assert "and 49 more, in the record file and the report" in output


def test_a_block_ends_after_as_many_failures_as_maxfail_says(run, pytester):
    sweep = ", ".join(f"[1, 9, 7, {c}]" for c in range(1, 200))
    text = cases(faults=()).split("sweep")[0].replace("[1, 1, 1, 1]", "[1, 1, $in_channels, 1]")
    (pytester.path / "cases/a.yaml").write_text(f"{text}sweep: {{input: [{sweep}]}}}}\n", encoding="utf-8")
    run("cases", "--tf-block=198", "-x")
    records = read(pytester.path / RECORDS)
    assert len(records.ends) == 64
    assert records.missing == 199 - 64
    assert not records.complete
    page = (pytester.path / "reports/index.html").read_text(encoding="utf-8")
    assert "partial: 135 of 199 planned calls have no result. They are calls of large sweeps" in page


def test_a_block_that_was_cut_goes_on(run, pytester):
    run("cases", "--tf-block=40")
    whole = without_times(pytester.path / RECORDS)
    path = pytester.path / RECORDS
    lines = path.read_bytes().split(b"\n")
    ends = [number for number, line in enumerate(lines) if line.startswith(b'{"type":"end"')]
    path.write_bytes(b"\n".join(lines[: ends[50] - 1]) + b"\n" + lines[ends[50] - 1][:99])  # killed after 50 calls: one block and ten
    cut = read(path)
    assert (len(cut.ends), cut.missing) == (50, 42)
    refused = run("cases", "--tf-block=41", "--tf-resume")
    refused.stderr.fnmatch_lines(["ERROR: --tf-resume: *results-faulty.jsonl was made with --tf-block=40; give the same"])
    result = run("cases", "--tf-block=40", "--tf-resume", "-n2")
    result.stdout.fnmatch_lines(["42 calls: *", "resumed: 50 calls had been made*"])
    assert read(path).complete
    kept = [line for line in without_times(path) if line["type"] != "start"]
    assert kept == [line for line in whole if line["type"] != "start"]


def test_an_edited_sweep_is_made_again(run, pytester):
    run("cases", "--tf-block=40")
    path = pytester.path / "cases/a.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("padding: VALID", "padding: SAME"), encoding="utf-8")
    run("cases", "--tf-block=40", "--tf-resume").stdout.fnmatch_lines(["92 calls: *"])
    assert read(pytester.path / RECORDS).complete


def test_known_failures_do_not_fail_a_block(run, pytester):
    run("cases", "--tf-block=40", "--tf-baseline=known.json", "--tf-update-baseline")
    known = json.loads((pytester.path / "known.json").read_text(encoding="utf-8"))["known"]["faulty"]
    assert sorted(map(expected, known)) == ["crashed", "violates"]
    result = run("cases", "--tf-block=40", "--tf-baseline=known.json")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["baseline *known.json: 2 known failures, 0 stale entries"])
    assert run("cases", "--tf-block=40", "--tf-baseline=known.json", "--runxfail").ret == pytest.ExitCode.TESTS_FAILED


SWEEP = """
cases:
  - id: big
    op: depthwise_conv2d
    filter: [3, 3, 1, 1]
    padding: VALID
    modes: [eager, xla]
    sweep:
      input: [[1, 9, 9, 1], [1, 10, 9, 1], [1, 2, 10, 1]]
      strides: [1, 2]
      rate: [1, 2]
    deviations:
      - rule: %s
        observed: {model: phase_strided}
        reported: unreported
"""


def test_a_deviation_of_no_call_of_a_sweep_is_a_test_that_fails(pytester):
    path = pytester.mkdir("cases") / "a.yaml"
    path.write_text(SWEEP % "depthwise.unit-strides-when-atrous", encoding="utf-8")
    options = ("cases", "--tf-block=4", "-q", "-k", "deviations")
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=1, deselected=6)
    path.write_text(SWEEP % "conv2d.input-rank", encoding="utf-8")
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(failed=1, deselected=6)
    result.stdout.fnmatch_lines(
        ["cases/a.yaml:13:9: cases?0?.deviations?0?: matches no call: no call of this case can break conv2d.input-rank*"]
    )


def test_a_combination_that_cannot_be_made_fails_its_block_alone(run, pytester):
    path = pytester.path / "cases/a.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("[1, 10, 10, 1]", "[1, 99999, 99999, 1]"), encoding="utf-8")
    result = run("cases", "--tf-block=30")
    result.stdout.fnmatch_lines(
        ["cases/a.yaml:3:*: cases?0?: the input has 1 × 99999 × 99999 × 1 = 9999800001 elements; 16777216 is the limit"]
    )
    assert len(read(pytester.path / RECORDS).ends) == 90


def test_a_block_has_the_marks_that_all_of_its_calls_have(pytester):
    pytester.mkdir("cases").joinpath("a.yaml").write_text(SWEEP % "depthwise.unit-strides-when-atrous", encoding="utf-8")

    def collected(*options):
        result = pytester.runpytest_subprocess("cases", "--tf-block=4", "--collect-only", "-q", *options)
        return [line for line in result.outlines if "::" in line and "deviations" not in line]

    blocks = collected("-m", "tf_depthwise_conv2d and tf_float32 and tf_xla")
    assert blocks == [f"cases/a.yaml::big[calls{first}-{first + 3}-xla]" for first in (1, 5, 9)]
    assert collected("--tf-modes", "xla") == blocks
    assert collected("-m", "tf_conv2d or tf_half or tf_large") == []


def test_the_size_of_a_block_is_checked(run):
    result = run("cases", "--tf-block=0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --tf-block: must be 1 call or more"])


def test_of_many_calls_the_page_counts_those_that_conform(run, pytester):
    run("cases", "--tf-block=30")
    path = pytester.path / RECORDS
    whole, brief = read(path), read(path, limit=20)
    assert (brief.counted.keys(), brief.counted.total()) == ({"conforms"}, 92 - len(brief.ends))
    assert 20 <= len(brief.ends) <= 22
    assert (brief.planned, brief.missing, brief.unlisted, brief.complete) == (92, 0, 0, True)
    assert {one: whole.ends[one] for one in brief.ends} == brief.ends
    assert {end["verdict"] for end in brief.ends.values()} == {"conforms", "crashed", "violates"}
    write(merge([("x", brief)]), pytester.path / "brief.html")
    page = (pytester.path / "brief.html").read_text(encoding="utf-8")
    assert f"{brief.counted.total()} calls of large sweeps are counted here and not listed; the record file has them." in page
    assert "90 of 92 calls return what TensorFlow documents; needs attention: 1 violates, 1 crashed." in page
    assert len(read(path, limit=1).ends) <= 3


def test_workers_share_the_cores_and_the_environment_stays(run, pytester, monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    pytester.makeconftest(
        """
        import os, pathlib, sys

        class Watching:
            def find_spec(self, name, *_):
                if name == "numpy":
                    self.threads = os.environ.get("OPENBLAS_NUM_THREADS")

        watching = Watching()
        sys.meta_path.insert(0, watching)

        def pytest_collection_finish(session):
            if hasattr(session.config, "workerinput"):
                seen = f"{watching.threads} {'OPENBLAS_NUM_THREADS' in os.environ}"
                pathlib.Path(session.config.workerinput["workerid"]).write_text(seen)
        """
    )
    run("cases", "-n2")
    share = max(1, os.cpu_count() // 2)
    assert [(pytester.path / name).read_text() for name in ("gw0", "gw1")] == [f"{share} False"] * 2
