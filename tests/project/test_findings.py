"""The pages of what exploring found: one for each case file, all in the index, and as many as the
other pages say.
"""

import re

import pytest


@pytest.fixture
def pages(repository):
    return [
        path
        for path in sorted((repository / "docs/findings").glob("*.md"))
        if path.name != "README.md"
    ]


def test_each_case_file_has_a_page_that_names_it(repository, pages):
    files = {
        f"cases/findings/{path.name}" for path in (repository / "cases/findings").glob("*.yaml")
    }
    named = {
        link
        for page in pages
        for link in re.findall(r"^\* Case: \[(\S+)\]", page.read_text(encoding="utf-8"), re.M)
    }
    assert named == files


def test_each_page_says_what_it_must(pages):
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for part in (
            "* Result: ",
            "* Public before: ",
            "* Case: ",
            "```python",
            "**Expected**",
            "**Where**: ",
        ):
            assert part in text, (page.name, part)


def test_the_index_has_all_pages_and_the_counts_are_right(repository, pages):
    index = (repository / "docs/findings/README.md").read_text(encoding="utf-8")
    rows = [line for line in index.splitlines() if line.startswith("| [")]
    assert [re.search(r"\((\w+\.md)\)", row)[1] for row in rows] == [page.name for page in pages]
    exploring = (repository / "docs/exploring.md").read_text(encoding="utf-8")
    public = sum(not row.endswith("| no |") for row in rows)
    without_case = sum("* Case: none" in page.read_text(encoding="utf-8") for page in pages)
    assert f"**{len(pages)} distinct causes**" in exploring
    assert f"{public} of them were public before" in exploring
    assert f"{len(pages) - without_case} have a case" in exploring
    assert f"{len(pages)} causes" in (repository / "README.md").read_text(encoding="utf-8")
