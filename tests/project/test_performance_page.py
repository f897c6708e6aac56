"""docs/performance.md is made of the sections that benchmarks write, and of prose without measured
figures.
"""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from section import replaced, spread, table  # noqa: E402

PAGES = [(ROOT / "docs" / name).read_text("utf-8") for name in ("performance.md", "reliability.md")]
MARKER = re.compile(r"<!-- (begin|end): (.*?) -->")
SECTION = re.compile(r"<!-- begin: (.*?) -->\n(.*?)<!-- end: \1 -->", re.DOTALL)
SECTIONS = [found for page in PAGES for found in SECTION.findall(page)]
MACHINE = r"Measured on .+, \d+ cores, with Python .+, NumPy .+, TensorFlow .+, \d{4}-\d\d-\d\d\."
PUBLISHES = re.compile(r"\bpublish\(\s*__file__")
FIGURE = re.compile(r"\d ?(?:ms|µs|s|seconds|MB|MiB|kB|bytes|%|×|times)(?!\w)")


def publishing():
    """The programs that write a section of a page."""
    programs = (ROOT / "benchmarks").glob("*.py")
    return [
        f"benchmarks/{one.name}" for one in programs if PUBLISHES.search(one.read_text("utf-8"))
    ]


def test_each_program_has_one_section_and_each_section_a_program():
    markers = [marker for page in PAGES for marker in MARKER.findall(page)]
    assert markers[::2] == [("begin", program) for _, program in markers[1::2]]
    assert {edge for edge, _ in markers[1::2]} == {"end"}
    assert sorted(program for _, program in markers[::2]) == sorted(publishing())


@pytest.mark.parametrize(
    "content", [content for _, content in SECTIONS], ids=[name for name, _ in SECTIONS]
)
def test_a_section_names_the_machine_below_its_tables(content):
    first, *_, machine = content.strip().split("\n\n")
    assert first.startswith("| ")
    assert re.fullmatch(MACHINE, machine)


def test_the_prose_of_the_page_has_no_figures_that_could_go_stale():
    assert FIGURE.findall(SECTION.sub("", PAGES[0])) == []


def test_a_section_is_replaced_and_nothing_else():
    page = "before\n<!-- begin: benchmarks/a.py -->\nold\n<!-- end: benchmarks/a.py -->\nafter\n"
    new = "before\n<!-- begin: benchmarks/a.py -->\n\nnew\n\n<!-- end: benchmarks/a.py -->\nafter\n"
    assert replaced(page, "a.py", "new") == replaced(new, "a.py", "new") == new


def test_figures_of_several_runs_are_a_mean_with_its_spread():
    assert spread([1.0, 2.0, 3.0]) == "2.00 (1.00 to 3.00)"
    assert spread([1.0]) == "1.00"


def test_a_table_is_markdown():
    assert table(("what", "s"), [("a", "1")]) == "| what | s |\n| --- | ---: |\n| a | 1 |"
