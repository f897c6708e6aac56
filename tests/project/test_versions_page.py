"""docs/versions/make.py: what changed with which version, as a page and for programs."""

import json
import runpy
from pathlib import Path

from support.browser_records import answer, run
from support.page_records import HOSTILE, SUBJECT
from tf_conv_conformance.subject.observation import Answer, Observation

MAKE = Path(__file__).parents[2] / "docs/versions/make.py"


def refuses(call):
    if call.deviations:
        return Observation(
            "answered", (Answer(error="ValueError", bases=("ValueError",), message=HOSTILE),) * 2
        )
    return answer(call)


def made(tmp_path):
    """Three versions without oneDNN, of which the first refuses, and two with it, which do not
    differ.
    """
    subjects = [
        ("2.8.0", False, refuses),
        ("2.9.0", False, answer),
        ("2.10.0", False, answer),
        ("2.9.0", True, answer),
        ("2.10.0", True, answer),
    ]
    for number, (version, onednn, answers) in enumerate(subjects):
        run(
            tmp_path,
            {**SUBJECT, "tensorflow": version, "onednn": onednn},
            answers,
            f"{number}.jsonl",
        )
    names = [str(tmp_path / f"{number}.jsonl") for number in range(5)]
    out = tmp_path / "out"
    out.mkdir()
    runpy.run_path(str(MAKE))["main"](names, out)
    outcomes = json.loads((out / "outcomes.json").read_text(encoding="utf-8"))
    return (out / "README.md").read_text(encoding="utf-8"), outcomes


def test_each_change_has_its_version_and_its_line(tmp_path):
    page, outcomes = made(tmp_path)
    assert "| version | without oneDNN | oneDNN |" in page
    assert "| 2.8.0 |  |  |" in page
    assert "| 2.9.0 | 48 |  |" in page
    assert "| 2.10.0 | 0 | 0 |" in page
    assert "[1](https://example.org/1)" in page
    assert sum(len(one["calls"]) for one in outcomes) == 48
    columns = next(
        one
        for one in outcomes
        if "cases/a.yaml::atrous[strides4-VALID-rate2-float64-eager]" in one["calls"]
    )
    assert [one[:3] for one in columns["without oneDNN"]] == [
        ["2.8.0", "2.8.0", "resolved"],
        ["2.9.0", "2.10.0", "deviates"],
    ]
    assert [one[:3] for one in columns["oneDNN"]] == [["2.9.0", "2.10.0", "deviates"]]


def test_text_of_records_is_no_markup(tmp_path):
    page, _ = made(tmp_path)
    assert "<script" not in page
    assert "<img" not in page
