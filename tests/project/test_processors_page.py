"""docs/processors.md is what its program makes of the outcomes and of the measured subjects."""

import json
import runpy
from types import SimpleNamespace

import pytest

from support.record_files import run, subject, value
from tf_conv_conformance.records.measured import FILE, read


@pytest.fixture(scope="module")
def make(repository):
    return SimpleNamespace(**runpy.run_path(str(repository / "docs/processors/make.py")))


@pytest.fixture(scope="module")
def outcomes(make):
    return json.loads(make.OUTCOMES.read_text(encoding="utf-8"))


def test_the_page_is_made_from_its_files(make, outcomes):
    assert make.PAGE.read_text(encoding="utf-8") == make.page(outcomes)


def test_every_subject_of_the_page_is_one_on_which_the_cases_were_measured(repository, outcomes):
    known = {
        (one.subject.isa, one.subject.onednn)
        for one in read(repository / "cases" / FILE).measurements
        if one.subject.library == "TensorFlow 2.21"
    }
    shown = {(one["isa"], one["onednn"]) for one in outcomes["subjects"]}
    assert shown <= known
    assert all(len(row) == len(outcomes["subjects"]) for row in outcomes["calls"].values())


def test_runs_in_several_files_are_one_subject_if_they_are_of_one_kind(make, tmp_path):
    avx512 = subject(isa="avx512_core", cpu={"name": "B", "flags": []})
    run(tmp_path / "results-a.jsonl", {"f::x[1]": value()})
    run(tmp_path / "results-b.jsonl", {"f::x[2]": value((1, 2, 2, 1), "deviates")})
    run(tmp_path / "results-c.jsonl", {"f::x[2]": value()}, on=avx512)
    found = json.loads(make.text_of(make.runs_of([str(tmp_path)])))
    assert [one["isa"] for one in found["subjects"]] == ["avx2", "avx512_core"]
    assert found["subjects"][0]["verdicts"] == {"deviates": 1, "conforms": 1}
    assert found["calls"] == {"cases/f::x[2]": ["another shape", "as documented"]}
