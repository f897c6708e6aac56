"""Runs on several machines.

Parts by pytest-split: each call in one, and their records are one run's. Workers of xdist
elsewhere.
"""

import json
import os
import re
import shutil

import pytest

from support.faulty_runs import FAULTY, cases, expected
from support.record_files import run as record
from support.record_files import value
from support.resumed_runs import cut, without_times
from tf_conv_conformance.cli.main import main
from tf_conv_conformance.records.reader import read
from tf_conv_conformance.records.shards import Shards, parse


@pytest.mark.parametrize(
    ("text", "numbers", "missing", "words"),
    [
        ("1/1", (1,), (), ""),
        ("3/8", (3,), (1, 2, 4, 5, 6, 7, 8), "shards 1, 2, 4, 5, 6, 7, 8 of 8 are missing"),
        ("4,1,3/4", (1, 3, 4), (2,), "shard 2 of 4 is missing"),
        ("1,3/4", (1, 3), (2, 4), "shards 2, 4 of 4 are missing"),
    ],
)
def test_shards_are_parsed_and_told(text, numbers, missing, words):
    shards = parse(text)
    assert (shards.numbers, shards.missing, shards.words) == (numbers, missing, words)
    assert parse(str(shards)) == shards


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "0/3",
        "4/3",
        "a/b",
        "1.0/3",
        "-1/3",
        "1/3\n",
        "1/0",
        "1,/3",
        "²/3",
        "1/10000",
    ],
)
def test_what_is_no_shard_is_said(text):
    with pytest.raises(ValueError, match=r"is not K/N.*, as in 3/8"):
        parse(text)


@pytest.fixture
def split(pytester, monkeypatch):
    """Run 182 calls and 40 other tests, beside pytest-split; return the tests that were run, and
    the record file.
    """
    pytest.importorskip("pytest_split", reason="is in the extra `test`")
    monkeypatch.setenv(
        "PYTEST_ADDOPTS", os.environ["PYTEST_ADDOPTS"].replace("-p no:pytest-split", "")
    )
    for name in ("a", "b"):
        (pytester.path / "cases").mkdir(exist_ok=True)
        (pytester.path / f"cases/{name}.yaml").write_text(
            cases(name=name, faults=("value",)), encoding="utf-8"
        )
    (pytester.path / "test_other.py").write_text(
        "import pytest\n@pytest.mark.parametrize('n', range(40))\ndef test(n): pass\n"
    )

    def run(folder, *options):
        given = (
            "--tf-timeout=2",
            "--tf-subject",
            FAULTY,
            "--tf-reports",
            folder,
            "-p",
            "no:cacheprovider",
            "--tb=no",
            "-v",
            *options,
        )
        result = pytester.runpytest_subprocess("cases", "test_other.py", *given)
        made = set(re.findall(r"(test_other.py::\S+|cases/\S+?::\S+) ", result.stdout.str()))
        return made, pytester.path / folder / "results-faulty.jsonl"

    return run


@pytest.mark.slow
def test_the_parts_of_a_run_are_the_run(split, pytester, capsys):
    first, whole = split("whole", "--store-durations")
    assert (
        json.loads((pytester.path / ".test_durations").read_text(encoding="utf-8")).keys() == first
    )
    parts = ("--splits=2", "--splitting-algorithm=least_duration")
    made, files = zip(
        split("part1", *parts, "--group=1", "-n2"),
        split("part2", *parts, "--group=2"),
        strict=True,
    )
    assert sum(map(len, made)) == len(set().union(*made)) == len(first)
    assert [read(file).shards for file in files] == [Shards((number,), 2) for number in (1, 2)]
    assert not any(read(file).complete for file in files)
    assert [read(file).footer["whole"] for file in files] == [182, 182]
    merged = pytester.path / "merged.jsonl"
    assert main(["merge", *map(str, reversed(files)), "-o", str(merged)]) == 0
    assert without_times(merged) == [
        line for line in without_times(whole) if line["type"] != "start"
    ]
    assert read(merged).complete
    assert main(["compare", str(whole), str(merged)]) == 0
    assert "No change: all 182 calls were compared." in capsys.readouterr().out
    assert "shard 1 of 2 is missing" in (pytester.path / "part2/index.html").read_text(
        encoding="utf-8"
    )


@pytest.mark.slow
def test_a_part_that_was_cut_goes_on_with_its_own_calls(split):
    part = ("--splits=2", "--group=1")
    first, path = split("reports", *part)
    whole = without_times(path)
    cut(path, 60)
    made, _ = split("reports", "--tf-resume", "-n2", *part)
    assert made < first
    assert without_times(path) == [
        line for line in whole if line["type"] != "start" or line["id"] in made_calls(made)
    ]
    assert read(path).shards == Shards((1,), 2)


def made_calls(tests):
    return {test.replace("[faulty-", "[") for test in tests}


@pytest.mark.slow
def test_workers_in_another_folder_leave_their_records_here(pytester, monkeypatch):
    """Like those on another machine: no path is given, and the folder has a copy of the project."""
    here, there = pytester.mkdir("here"), pytester.path / "there"
    (here / "pytest.ini").write_text("[pytest]\ntestpaths = cases\n", encoding="utf-8")
    here.joinpath("cases").mkdir()
    here.joinpath("cases/a.yaml").write_text(cases(faults=("crash", "value")), encoding="utf-8")
    shutil.copytree(here, there)
    monkeypatch.chdir(here)
    workers = ("-d", "--tx", f"popen//chdir={there}")
    pytester.runpytest_subprocess("--tf-subject", FAULTY, "-p", "no:cacheprovider", *workers)
    records = read(here / "reports/results-faulty.jsonl")
    assert records.complete
    assert {one: end["verdict"] for one, end in records.ends.items()} == {
        one: expected(one) for one in records.calls
    }
    assert not (there / "reports").exists()


@pytest.mark.parametrize(
    ("held", "options", "said"),
    [
        (
            {"shard": "1/2"},
            ["--tf-resume", "--splits=2", "--group=2"],
            "*: holds shard 1/2: resume it with --splits 2 --group 1",
        ),
        (
            {"shard": "1/2"},
            ["--tf-resume"],
            "*: holds shard 1/2: resume it with --splits 2 --group 1",
        ),
        (
            {},
            ["--tf-resume", "--splits=2", "--group=1"],
            "*: holds no shard: resume it without --splits",
        ),
        (
            {},
            ["--splits=10000", "--group=1"],
            "--splits: expected at most 9,999, the most shards that a record file "
            "can name; got 10,000",
        ),
        (
            {},
            ["--splits=2", "--group=1", "--tf-subject=b = X=1"],
            "--splits: splits a run of one subject, and this run has 2; run *",
        ),
    ],
)
def test_what_would_not_be_a_part_is_a_usage_error(split, pytester, held, options, said):
    path = pytester.path / "reports/results-faulty.jsonl"
    record(path, {"f::x[1]": value()}, **held)
    kept = path.read_bytes()
    result = pytester.runpytest("cases", "--tf-subject", FAULTY, "-p", "no:cacheprovider", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}"])
    assert path.read_bytes() == kept


def test_a_header_of_no_shard_is_said(tmp_path, capsys):
    path = tmp_path / "x.jsonl"
    path.write_text(
        json.dumps({"type": "header", "schema": 3, "suite": "0", "created": "now", "shard": "8/3"})
        + "\n"
    )
    assert main(["report", str(path)]) == 2
    assert (
        "x.jsonl:1: header.shard: '8/3' is not K/N with K from 1 to N, as in 3/8"
        in capsys.readouterr().err
    )
