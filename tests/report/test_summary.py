"""The Markdown summary: what came out, what fails, what changed, where columns disagree; bounded,
and text stays text.
"""

import pytest
from markdown_it import MarkdownIt

from support.html_text import Read
from support.record_files import UNSUPPORTED, crash, error, plan, run, subject, value
from tf_conv_conformance.cli.main import main
from tf_conv_conformance.records.changes import compare
from tf_conv_conformance.records.disagreement import comparable, disagreements
from tf_conv_conformance.records.merge import merge
from tf_conv_conformance.records.reader import read
from tf_conv_conformance.records.writer import Recorder
from tf_conv_conformance.report.summary import summary

ONEDNN = subject(onednn=True)


def rows(text, heads):
    """The rows of the table with these heads."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| " + heads))
    end = next(
        (number for number in range(start, len(lines)) if not lines[number].startswith("|")),
        len(lines),
    )
    return [
        [
            cell.strip()
            for cell in Read(MarkdownIt("commonmark", {"html": True}).render(line))
            .text.strip()
            .strip("|")
            .split("|")
        ]
        for line in lines[start + 2 : end]
    ]


@pytest.fixture
def columns(tmp_path):
    """Columns of runs, each (ends, subject)."""

    def made(*runs, partial=False):
        return merge(
            [
                (str(number), run(tmp_path / str(number), ends, on=on))
                for number, (ends, on) in enumerate(runs)
            ],
            partial,
        )

    return made


def test_one_run(columns):
    (column,) = columns(
        (
            {
                "f.yaml::x[1]": value(),
                "f.yaml::x[2]": value(verdict="deviates"),
                "f.yaml::y[1]": crash(),
                "f.yaml::z[1]": UNSUPPORTED,
            },
            subject(),
        )
    )
    text = summary([column])
    assert (
        "1 of 4 calls return what TensorFlow documents; 1 deviate as declared; 1 are "
        "unsupported here; needs attention: 1 crashed."
    ) in text
    assert rows(text, "TensorFlow") == [["2.21.0", "4", "1", "1", "1", "1"]]
    assert "| TensorFlow | calls | crashed | deviates | unsupported | conforms |" in text
    assert rows(text, "verdict") == [
        ["crashed", "cases/f.yaml::y[1]", "cases/f.yaml:2", "it crashed", "2.21.0"]
    ]
    assert "Changed since" not in text
    assert "Disagreements" not in text
    assert "partial" not in text


def test_a_run_that_all_conforms_has_no_empty_tables(columns):
    text = summary(columns(({"f::x[1]": value()}, subject())))
    assert "Failing" not in text
    assert text.count("\n\n") == 2


def test_a_partial_run_says_so(columns):
    text = summary(columns(({"f::x[1]": value(), "f::x[2]": None}, subject()), partial=True))
    assert "The run is partial" in text
    assert rows(text, "verdict")[0][:2] == ["missing", "cases/f::x[2]"]


def test_known_failures_are_listed_and_counted_apart_after_new_ones(columns):
    ends = {
        "f::x[1]": value(verdict="violates", known=True),
        "f::x[2]": value(verdict="flaky"),
        "f::x[3]": value(),
    }
    text = summary(columns((ends, subject())))
    assert (
        "1 of 3 calls return what TensorFlow documents; known failures: 1; needs "
        "attention: 1 flaky."
    ) in text
    assert rows(text, "TensorFlow | calls | violates | flaky | conforms | known failures") == [
        ["2.21.0", "3", "1", "1", "1", "1"]
    ]
    new, known = text.partition("## Failing")[2].split("## Known failures")
    assert [row[1] for row in rows(new, "verdict")] == ["cases/f::x[2]"]
    assert [row[1] for row in rows(known, "verdict")] == ["cases/f::x[1]"]


def test_a_call_that_fails_alike_in_several_columns_is_one_row(columns):
    ends = {"f::x[1]": value(verdict="violates"), "f::x[2]": value(verdict="resolved")}
    text = summary(columns((ends, subject()), (ends | {"f::x[2]": value()}, ONEDNN)))
    assert [[row[0], row[1], row[4]] for row in rows(text, "verdict")] == [
        ["violates", "cases/f::x[1]", "2.21.0, 2.21.0 oneDNN"],
        ["resolved", "cases/f::x[2]", "2.21.0"],
    ]


def test_only_the_first_failing_calls_are_listed(columns):
    text = summary(
        columns(({f"f::x[{number}]": value(verdict="violates") for number in range(45)}, subject()))
    )
    assert len(rows(text, "verdict")) == 20
    assert "… and 25 more calls." in text


def test_what_changed(columns, tmp_path):
    old = run(
        tmp_path / "old",
        {"f::x[1]": value((1, 6, 6, 12), "deviates"), "f::x[2]": value()},
        on=subject({"r": "once", "s": None}),
    )
    (column,) = columns(
        (
            {"f::x[1]": value((1, 4, 4, 12)), "f::x[2]": value()},
            subject({"r": None, "s": "now"}, numpy="3"),
        )
    )
    text = summary([column], compare(old, column.records))
    assert "1 of the 2 compared calls changed." in text
    assert rows(text, "calls | case | change | for example") == [
        [
            "1",
            "cases/f::x",
            "deviates → conforms; another shape",
            "deviates → conforms; [1, 6, 6, 12] → [1, 4, 4, 12]",
            "cases/f::x[1]",
        ]
    ]
    assert rows(text, "environment") == [["NumPy", "2.4.6", "3"]]
    assert rows(text, "documentation of") == [["r", "once", "none"], ["s", "none", "now"]]


def test_where_columns_disagree(columns):
    one = {
        "f::x[1]": value(),
        "f::x[2]": value(),
        "f::x[3]": value(verdict="deviates"),
        "f::y[1]": error(),
        "f::z[1]": UNSUPPORTED,
        "f::z[2]": value(),
    }
    two = one | {
        "f::x[1]": crash(),
        "f::x[2]": crash(),
        "f::x[3]": value(verdict="deviates", digest="bb"),
        "f::z[1]": value(),
        "f::z[2]": UNSUPPORTED,
    }
    three = one | {
        "f::x[3]": value(verdict="deviates"),
        "f::z[2]": value(digest="cc"),
        "f::z[1]": UNSUPPORTED,
    }
    made = columns(
        (one, subject(tensorflow="2.9.0")), (two, subject(tensorflow="2.10.0")), (three, subject())
    )
    assert [(one.case, one.pattern, one.aspects, one.ids) for one in disagreements(made)] == [
        (
            "cases/f::x",
            ("conforms", "crashed", "conforms"),
            ("verdict", "outcome"),
            ("cases/f::x[1]", "cases/f::x[2]"),
        ),
        (
            "cases/f::x",
            ("deviates (a)", "deviates (b)", "deviates (a)"),
            ("values",),
            ("cases/f::x[3]",),
        ),
        (
            "cases/f::z",
            ("conforms (a)", "unsupported", "conforms (b)"),
            ("values",),
            ("cases/f::z[2]",),
        ),
    ]
    assert comparable(made) == 5, "one is supported in one column alone"
    text = summary(made)
    assert "4 of the 5 calls with results in at least two columns disagree." in text
    assert rows(text, "calls | case | results")[0] == [
        "2",
        "cases/f::x",
        "conforms: 2.9.0, 2.21.0; crashed: 2.10.0",
        "verdict, outcome",
        "cases/f::x[1]",
    ]


def test_columns_that_agree_say_of_how_many_calls(columns):
    text = summary(columns(({"f::x[1]": value()}, subject()), ({"f::x[1]": value()}, ONEDNN)))
    assert "0 of the 1 call with results in at least two columns" in text


@pytest.mark.slow
def test_whatever_the_records_hold_stays_text_and_the_summary_stays_short(tmp_path):
    hostile = "<img src=x onerror=alert(1)>|`*_[a](b)\n# @you \x1b[31m" * 40
    names = [f"{hostile}{number}.yaml::x[{number}]" for number in range(60)]
    files = []
    for number in range(40):
        on = subject(
            {f"{hostile}{rule}": str(number) for rule in range(40)},
            tensorflow=f"{hostile}{number}",
            environment={hostile: hostile},
        )
        recorder = Recorder(tmp_path / str(number), plan(names, {}))
        for position, name in enumerate(names):
            end = value(
                (number, 1), "violates" if (number + position) % 2 else "crashed", str(number)
            )
            recorder.end(
                {"id": "cases/" + name, "subject": on["key"]}
                | end
                | {"reason": hostile * 10, "rules": []},
                on,
            )
        recorder.close()
        files.append((str(number), read(recorder.path)))
    made = merge(files)
    text = summary(made, compare(made[0].records, made[1].records))
    assert len(text.encode()) <= 60_000
    assert text.rstrip().endswith("The summary is cut here; the HTML report has the rest.")
    tags = Read(MarkdownIt("commonmark", {"html": True}).enable("table").render(text)).tags
    assert set(tags) <= {
        "h1",
        "h2",
        "p",
        "ul",
        "li",
        "code",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert "\x1b" not in text


def test_the_command(tmp_path, capsys):
    run(tmp_path / "a", {"f::x[1]": value()})
    run(tmp_path / "b", {"f::x[1]": value(digest="bb")}, on=ONEDNN)
    run(tmp_path / "old", {"f::x[1]": error()}, on=ONEDNN)
    run(tmp_path / "killed", {"f::x[1]": None}, footer=False)
    run(tmp_path / "older", {"f::x[1]": error()}, on=subject(tensorflow="2.9.0"))
    a, b, old, killed, older = (
        str(tmp_path / name) for name in ("a", "b", "old", "killed", "older")
    )
    assert main(["summary", a, b, "--since", old]) == 0
    printed = capsys.readouterr().out
    assert "## Changed since `2.21.0 oneDNN`" in printed
    assert "## Disagreements" in printed
    assert main(["summary", killed, "--partial"]) == 0
    capsys.readouterr()
    for arguments, said in [
        ([a, killed], f"{killed}: the footer is missing"),
        ([a, a], "duplicate subject"),
        (
            [a, b, "--since", older],
            "the earlier run is of 2.9.0; expected one of 2.21.0, 2.21.0 oneDNN",
        ),
        ([a, "--since", str(tmp_path / "none")], "cannot be read"),
    ]:
        assert main(["summary", *arguments]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said in err
    assert main(["summary", a, killed, "--partial"]) == 0
