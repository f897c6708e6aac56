"""Text from records on a terminal and in Markdown: what it says, and nothing that it does."""

import pytest
from markdown_it import MarkdownIt

from support.html_text import Read
from tf_conv_conformance.report.escape import markdown, plain

HOSTILE = [
    "</code></td><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a | b || c",
    "`code` ``` ~~~",
    "**bold** _em_ ~~gone~~",
    "[link](https://example.org) ![image](x.png) <https://example.org>",
    "https://example.org www.example.org @someone #12 :tada: $x^2$",
    "one\n\n# two\n- three",
    "&lt;b&gt; &amp; \\| \\`",
    "{{ 7 * 7 }} ${{ secrets.X }}",
    "::error::not a command",
]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a  b\n\tc", "a b c"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\u202eb\ud800", "a\\u202eb\\ud800"),
        ("é → ×", "é → ×"),
        (12, "12"),
    ],
)
def test_a_terminal_gets_one_printable_line(value, text):
    assert plain(value) == text


def test_long_text_is_cut():
    assert plain("x" * 50, 10) == "xxxxxxxxx…"
    assert plain("x" * 10, 10) == "xxxxxxxxxx"


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_the_text_and_nothing_else(text):
    renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    read = Read(renderer.render(f"| a | b |\n| --- | --- |\n| {markdown(text)} | end |\n"))
    assert read.tags == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "code", "td"]
    assert " ".join(read.text.split()) == "a b " + " ".join(text.split()) + " end"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_mention_link_or_command_is_left_in_the_source(text):
    """What GitHub makes of Markdown beyond its renderer."""
    source = markdown(text).removeprefix("<code>").removesuffix("</code>")
    assert not set(source.replace("&#", "").replace(";", "")) & set("@:<>`|*_[]$!\\{}#")
