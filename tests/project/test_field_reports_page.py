"""docs/field-reports.md is what its program makes of the cases, the outcomes and the reports that
no case states.
"""

import json
import re
import runpy
from types import SimpleNamespace

import pytest
import yaml

from support.record_files import run, subject, value


@pytest.fixture(scope="module")
def make(repository):
    return SimpleNamespace(**runpy.run_path(str(repository / "docs/field_reports/make.py")))


@pytest.fixture(scope="module")
def outcomes(make):
    return json.loads(make.OUTCOMES.read_text(encoding="utf-8"))


def test_the_page_is_made_from_its_files(make, outcomes):
    """After a change of the cases: ``python docs/field_reports/make.py [RECORDS...]``."""
    assert make.PAGE.read_text(encoding="utf-8") == make.page(outcomes)
    assert make.text_of(outcomes) == make.OUTCOMES.read_text(encoding="utf-8")


def test_every_report_has_a_sentence_and_an_address(make):
    stated = make.reports()
    assert [one["file"] for one in stated if not (one["about"] and one["addresses"])] == []


def test_every_case_with_an_outcome_is_still_there(make, outcomes):
    cases = {(one["file"], call.case.id) for one in make.reports() for call in one["calls"]}
    known = {(name, case) for name, found in outcomes["files"].items() for case in found}
    assert known <= cases


def test_a_report_is_stated_or_not_but_not_both(make):
    not_stated = [one["address"] for one in yaml.safe_load(make.NOT_STATED.read_text("utf-8"))]
    stated = {address for one in make.reports() for address in one["addresses"]}
    assert len(set(not_stated)) == len(not_stated)
    assert stated.isdisjoint(not_stated)


def test_the_readme_says_how_many_there_are(repository, make):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    (count,) = re.findall(r"more than ([0-9]+) \[public reports\]", readme)
    assert int(count) <= len(make.reports()) < int(count) + 100


def test_modes_are_named_where_they_differ(make, tmp_path):
    file = "cases/field_reports/f.yaml"
    documented, other = value(), value((1, 2, 2, 1), "deviates")
    run(tmp_path / "results-on.jsonl", {f"{file}::x[eager]": other}, on=subject(onednn=True))
    run(tmp_path / "results-off.jsonl", {f"{file}::x[eager]": documented}, on=subject(onednn=False))
    found = make.outcomes([str(tmp_path)])["files"]["f.yaml"]
    assert found == {"x": {"as documented": {"off": ["eager"]}, "unpredictable": {"on": ["eager"]}}}
    known = {"tensorflow": [], "files": {"gone.yaml": {}}}
    assert make.updated(known, {"tensorflow": ["2.21.0"], "files": {}})["files"] == {}
    states = {"any": {"xla"}, "on": {"eager", "graph"}, "off": {"graph"}}
    assert make.where(states, {"eager", "graph", "xla"}) == " (graph, xla; eager with oneDNN)"
    assert make.where({"any": {"xla"}}, {"xla"}) == ""
