"""Shards: each test in exactly one, the same wherever it is asked, and by durations about as long; their records are one run's."""

import json
import re
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import UNSUPPORTED, crash, run, value
from test_faults import FAULTY, cases
from test_resuming import without_times

from tf_conv_conformance.cli import main
from tf_conv_conformance.results import read
from tf_conv_conformance.shard import Shards, parse
from tf_conv_conformance.sharding import balanced, durations, hashed

IDS = [f"cases/f.yaml::case[{number}-eager]" for number in range(400)]


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


@pytest.mark.parametrize("text", ["", "3", "0/3", "4/3", "a/b", "1.0/3", "-1/3", "1/3\n", "1/0", "1,/3", "²/3", "1/10000", None, 3, [1]])
def test_what_is_no_shard_is_said(text):
    with pytest.raises(ValueError, match=r"is not K/N.*, as in 3/8"):
        parse(text)


def test_the_shard_of_an_id_is_that_of_its_sha256():
    """By hand: sha256sum of the ids; the first 16 hexadecimal digits modulo 8, and 1 more."""
    assert hashed("a", 8) == 0xCA978112CA1BBDCA % 8 + 1 == 3
    assert hashed("b", 8) == 0x3E23E8160039594A % 8 + 1 == 3
    assert hashed("é", 8) == 0x4A99557E4033C353 % 8 + 1 == 4


def test_ids_fall_into_all_shards_alike():
    counts = Counter(hashed(one, 8) for one in IDS)
    assert sorted(counts) == list(range(1, 9))
    assert min(counts.values()) > 30, "50 each, give or take three standard deviations"


def test_the_longest_come_first_each_where_there_is_least_to_do():
    modes = dict.fromkeys("abcdef", "eager")
    seconds = {"a": 9.0, "b": 7.0, "c": 6.0, "d": 5.0, "e": 5.0, "f": 4.0}
    assert balanced(modes, seconds, 3) == {"a": 1, "b": 2, "c": 3, "d": 3, "e": 2, "f": 1}


def test_a_call_of_unknown_duration_counts_as_the_median_of_its_mode():
    weights = {"a": "eager", "b": "eager", "c": "eager", "x": "xla", "y": "xla"}
    seconds = {"a": 1.0, "b": 2.0, "x": 8.0}  # so c counts as 1.5, y as 8
    assert balanced(weights, seconds, 2) == {"x": 1, "y": 2, "b": 1, "c": 2, "a": 2}
    assert balanced({**weights, "g": "graph"}, seconds, 2)["g"] == 2, "2, the median of all; after b, which has the earlier id"
    assert Counter(balanced(dict.fromkeys(IDS, "eager"), {}, 8).values()) == dict.fromkeys(range(1, 9), 50)


@given(
    st.dictionaries(st.text(), st.floats(0, 3600), min_size=1),
    st.sampled_from(["eager", "xla"]),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_no_order_and_no_durations_leave_a_test_out_or_change_its_shard(seconds, mode, of, random):
    shuffled = list(seconds)
    random.shuffle(shuffled)
    places = balanced(dict.fromkeys(seconds, mode), seconds, of)
    assert balanced(dict.fromkeys(shuffled, mode), {name: seconds[name] for name in shuffled}, of) == places
    assert places.keys() == seconds.keys()
    assert set(places.values()) <= set(range(1, of + 1))


def test_shards_are_about_as_long_by_durations_as_runs_have_them():
    """Many that take a millisecond, some of XLA that take a hundred times as long, and two of some seconds."""
    seconds = {one: (2.5 if number < 2 else 0.1 + number % 7 / 50 if number % 4 == 0 else 0.001) for number, one in enumerate(IDS)}
    places = balanced(dict.fromkeys(IDS, "xla"), seconds, 4)
    loads = [sum(seconds[one] for one in IDS if places[one] == number) for number in range(1, 5)]
    assert max(loads) < 1.1 * sum(loads) / 4
    assert min(loads) > 0.9 * sum(loads) / 4


def test_durations_are_those_of_calls_that_were_made(tmp_path):
    ends = {"f::x[1]": value(), "f::x[2]": UNSUPPORTED, "f::x[3]": None, "f::x[4]": crash()}
    run(tmp_path / "a", ends)
    assert durations(tmp_path / "a") == {"cases/f::x[1]": 0.1}


@pytest.fixture
def shard(pytester):
    for name in ("a", "b"):
        (pytester.path / "cases").mkdir(exist_ok=True)
        (pytester.path / f"cases/{name}.yaml").write_text(cases(name=name, faults=("crash", "value")), encoding="utf-8")
    (pytester.path / "test_other.py").write_text("import pytest\n@pytest.mark.parametrize('n', range(40))\ndef test(n): pass\n")

    def run(folder, *options):
        given = ("--tf-timeout=2", "--tf-subject", FAULTY, "--tf-reports", folder, "-p", "no:cacheprovider", "--tb=no", "-v", *options)
        result = pytester.runpytest_subprocess("cases", "test_other.py", *given)
        made = set(re.findall(r"(test_other.py::\S+|cases/\S+?::\S+) ", result.stdout.str()))
        return made, pytester.path / folder / "results-faulty.jsonl"

    return run


@pytest.mark.parametrize("options", [["-n2"], ["--tf-durations=whole/results-faulty.jsonl"]], ids=str)
def test_the_shards_of_a_run_are_the_run(shard, pytester, options, capsys):
    first, whole = shard("whole", *(one for one in options if "durations" not in one))
    made, files = zip(*(shard(f"shard{number}", f"--tf-shard={number}/3", *options) for number in (1, 2, 3)), strict=True)
    assert sum(map(len, made)) == len(set().union(*made)) == len(first)
    assert min(len({one for one in own if "test_other" in one}) for own in made) > 0, "tests of other kinds are shared out too"
    assert [read(file).shards for file in files] == [Shards((number,), 3) for number in (1, 2, 3)]
    assert not any(read(file).complete for file in files)
    merged = pytester.path / "merged.jsonl"
    assert main(["merge", *map(str, reversed(files)), "-o", str(merged)]) == 0
    assert without_times(merged) == [line for line in without_times(whole) if line["type"] != "start"]
    assert read(merged).complete
    assert main(["compare", str(whole), str(merged)]) == 0
    assert "No change: all 184 calls were compared." in capsys.readouterr().out
    assert "shards 1, 3 of 3 are missing" in (pytester.path / "shard2/index.html").read_text(encoding="utf-8")


def test_another_case_moves_no_call(shard, pytester):
    before, _ = shard("one", "--tf-shard=2/3")
    (pytester.path / "cases/c.yaml").write_text(cases(name="c", faults=()), encoding="utf-8")
    after, _ = shard("two", "--tf-shard=2/3")
    assert {one for one in after if "/c.yaml" not in one} == before
    assert after > before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tf-shard=0/3"], "--tf-shard: '0/3' is not K/N with K from 1 to N, as in 3/8"),
        (["--tf-shard=1,2/3"], "--tf-shard: '1,2/3' is not K/N, one shard, as in 3/8"),
        (["--tf-durations=x"], "--tf-durations: balances the shards of --tf-shard K/N, which is not given"),
        (["--tf-shard=1/3", "--tf-durations=none.jsonl"], "--tf-durations: *none.jsonl: cannot be read: *"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(pytester, options, said):
    result = pytester.runpytest("-p", "no:cacheprovider", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}"])


def test_another_shard_is_not_resumed(shard, pytester):
    _, path = shard("reports", "--tf-shard=1/3")
    kept = path.read_bytes()
    command = [sys.executable, "-m", "pytest", "cases", "--tf-subject", FAULTY, "--tf-resume", "--tf-shard=2/3", "-p", "no:cacheprovider"]
    result = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "holds shard 1/3, and --tf-shard 2/3 is given" in result.stderr
    assert path.read_bytes() == kept


def test_a_header_of_no_shard_is_said(tmp_path, capsys):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"type": "header", "schema": 3, "suite": "0", "created": "now", "shard": "8/3"}) + "\n")
    assert main(["report", str(path)]) == 2
    assert "x.jsonl:1: header.shard: '8/3' is not K/N with K from 1 to N, as in 3/8" in capsys.readouterr().err
