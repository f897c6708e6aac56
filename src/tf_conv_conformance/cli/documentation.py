"""Print the pages of the documentation, for those who have no checkout."""

from __future__ import annotations

from tf_conv_conformance.casefile.shipped import shipped


def pages() -> dict[str, str]:
    """Return the title of each page but the findings, by the page's name."""
    found = {}
    for path in sorted(shipped("docs").glob("*.md")):
        with path.open(encoding="utf-8") as file:
            found[path.stem] = file.readline().strip("# \n")
    return found


def page(name: str) -> str | None:
    """Return a page as Markdown; None if there is none.

    The name may be a path as messages have it: ``docs/rules.md``.
    """
    docs = shipped("docs").resolve()
    path = (docs / f"{name.removeprefix('docs/').removesuffix('.md')}.md").resolve()
    if not path.is_file() or not path.is_relative_to(docs):
        return None
    return path.read_text(encoding="utf-8")
