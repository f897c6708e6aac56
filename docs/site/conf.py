"""Build the documentation as a site with Sphinx: tox -e docs."""

import re
from importlib.metadata import version as installed
from pathlib import Path, PurePosixPath
from posixpath import normpath

REPOSITORY = "https://github.com/tf-conv-conformance/tf-conv-conformance"
LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(#[^)\s]*)?(?=\))")

project = "tf-conv-conformance"
version = release = installed(project)
extensions = ["myst_parser", "sphinx_copybutton"]
myst_heading_anchors = 4
myst_enable_extensions = ["linkify"]  # plain addresses become links, as on GitHub
myst_linkify_fuzzy_links = False
html_theme = "furo"
html_title = project
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["filter.js"]
html_theme_options = {
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "docs/",
}
suppress_warnings = ["misc.highlighting_failure"]  # YAML with an ellipsis


def link_to_repository(app, document, source):
    """Point links that leave the site, such as to a case file, to the repository.

    Pages are written for GitHub, too, where such links are relative.
    """
    docs, folder = Path(app.srcdir), PurePosixPath("docs", document).parent

    def target(found):
        path = normpath(folder / found[1])
        here = path.startswith("docs/") and path.endswith((".md", ".png"))
        if here or not (docs.parent / path).exists():  # Sphinx reports what does not exist
            return found[0]
        return f"{REPOSITORY}/blob/main/{path}{found[2] or ''}"

    source[0] = LINK.sub(target, source[0])


def setup(app):
    """Register the changes to pages."""
    app.connect("source-read", link_to_repository)
