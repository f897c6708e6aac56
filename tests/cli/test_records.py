"""The commands about record files: what they print, what they write, and their exit status."""

import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from support.record_files import SENTENCES, UNSUPPORTED, crash, run, subject, value
from tf_conv_conformance.cli.main import main
from tf_conv_conformance.records.changes import compare
from tf_conv_conformance.records.reader import read
from tf_conv_conformance.report.changes_text import print_changes

ONEDNN = subject(onednn=True)


@pytest.fixture
def file(tmp_path):
    """The path of a record file."""

    def made(name, ends, **options):
        run(tmp_path / name, ends, **options)
        return str(tmp_path / name)

    return made


def test_compare_prints_what_changed(file, capsys):
    old = {
        f"f::swept[{number}]": value((1, 6, number, 12), "deviates", warns=["UserWarning"])
        for number in range(300)
    }
    new = {f"f::swept[{number}]": value((1, 4, number, 12), "resolved") for number in range(300)}
    here = subject(
        SENTENCES | {"b": None, "c": "said now"}, onednn=True, environment={"TF_X": "1"}, numpy="3"
    )
    there = subject(SENTENCES | {"b": "said once", "c": None})
    edited = {"f::edited[1]": "then", "f::was[1]": "moved", "f::is[1]": "moved"}
    before = file(
        "old",
        old
        | {
            "f::y[1]": value(),
            "f::z[1]": UNSUPPORTED,
            "f::edited[1]": value(),
            "f::gone[1]": value(),
            "f::was[1]": value(),
        },
        on=there,
        hashes=edited,
    )
    now = file(
        "new",
        new
        | {
            "f::y[1]": crash(),
            "f::z[1]": None,
            "f::edited[1]": value(),
            "f::come[1]": value(),
            "f::is[1]": value(digest="bb"),
        },
        on=here,
        hashes=edited | {"f::edited[1]": "now"},
    )
    assert main(["compare", before, now]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "2.21.0 → 2.21.0 oneDNN",
        "environment changed",
        "  oneDNN: not in effect → in effect  (another subject)",
        "  TF_X: none → 1  (another subject)",
        "  NumPy: 2.4.6 → 3",
        "documentation changed",
        "  b",
        "    - said once",
        "    + (no longer there)",
        "  c",
        "    - (not there before)",
        "    + said now",
        "calls changed, in 3 ways",
        "  300× cases/f::swept: deviates → resolved; another shape; no longer warns UserWarning",
        (
            "       such as cases/f::swept[0]: deviates → resolved; [1, 6, 0, 12] → [1, "
            "4, 0, 12]; no longer warns UserWarning"
        ),
        "  1× cases/f::y: conforms → crashed; a value → crashed (SIGFPE)",
        (
            "       such as cases/f::y[1]: conforms → crashed; float32 of shape [1, 6, "
            "6, 1] → crashed (SIGFPE)"
        ),
        "  1× cases/f::is: same shape, other values",
        "       such as cases/f::is[1], which was cases/f::was[1]",
        "not compared",
        "  1 unsupported in the old run and no result in the new run, such as cases/f::z[1]",
        "  1 edited, such as cases/f::edited[1]",
        "  1 added, such as cases/f::come[1]",
        "  1 removed, such as cases/f::gone[1]",
        "moved, and compared",
        "  1, such as cases/f::was[1] → cases/f::is[1]",
        (
            "302 of the 302 compared calls changed; not compared: 1 unsupported in the "
            "old run and no result in the new run, 1 edited, 1 added, 1 removed."
        ),
    ]


@pytest.mark.parametrize(
    ("old", "new", "options", "status"),
    [
        ({"f::x[1]": value()}, {"f::x[1]": value()}, {}, 0),
        (
            {"f::x[1]": value()},
            {"f::x[1]": value()},
            {"on": subject(tensorflow="2.22.0", sentences={})},
            0,
        ),
        (
            {"f::x[1]": value(), "f::y[1]": value()},
            {"f::x[1]": value(), "f::y[1]": value(), "f::z[1]": value()},
            {"hashes": {"f::y[1]": "other"}},
            0,
        ),
        (
            {"f::x[1]": value(), "f::y[1]": UNSUPPORTED},
            {"f::x[1]": value(), "f::y[1]": UNSUPPORTED},
            {},
            0,
        ),
        ({"f::x[1]": value(verdict="violates")}, {"f::x[1]": value()}, {}, 1),
        ({"f::x[1]": value()}, {"f::x[1]": value(verdict="violates")}, {}, 1),
        (
            {"f::x[1]": value(), "f::y[1]": value()},
            {"f::x[1]": value(), "f::y[1]": UNSUPPORTED},
            {},
            1,
        ),
        (
            {"f::x[1]": value(), "f::y[1]": value()},
            {"f::x[1]": value(), "f::y[1]": None},
            {"footer": False},
            1,
        ),
        ({"f::x[1]": value()}, {"g::x[1]": value()}, {}, 1),
    ],
    ids=[
        "same",
        "environment",
        "edited and added",
        "unsupported in both",
        "better",
        "worse",
        "unsupported now",
        "no end now",
        "nothing in common",
    ],
)
def test_the_status_of_compare(file, old, new, options, status):
    assert main(["compare", file("old", old), file("new", new, **options)]) == status


def test_compare_says_its_status_in_its_help(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    printed = capsys.readouterr().out
    assert "exit status:\n  0  no change: every call" in printed
    assert "\n  2  a file cannot be read" in printed


def test_what_cannot_be_compared_is_one_line_and_status_2(file, tmp_path, capsys):
    good = file("good", {"f::x[1]": value(), "f::x[2]": value()})
    (tmp_path / "torn").write_text("{\n}\n")
    records = read(tmp_path / "good")
    lines = (tmp_path / "good").read_text().splitlines()
    each = [
        line.replace(records.ends["cases/f::x[1]"]["subject"], "other")
        for line in lines
        if '"end"' in line or '"subject":{' in line
    ]
    (tmp_path / "each").write_text(
        "\n".join([*lines, *(line.replace('"onednn":false', '"onednn":true') for line in each)])
        + "\n"
    )
    for arguments, said in [
        ([good, str(tmp_path / "none")], "none: cannot be read"),
        ([str(tmp_path / "torn"), good], "torn:1: expected a JSON object, got the string"),
        (
            [good, str(tmp_path / "each")],
            "each: contains 2 subjects (2.21.0, 2.21.0 oneDNN); expected exactly one",
        ),
        ([good, good, "-o", str(tmp_path / "no" / "page.html")], "cannot write"),
    ]:
        assert main(["compare", *arguments]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said in err


def test_compare_renders_the_new_run(file, tmp_path):
    page = tmp_path / "page.html"
    assert (
        main(
            [
                "compare",
                file("old", {"f::x[1]": value()}),
                file("new", {"f::x[1]": value()}),
                "-o",
                str(page),
            ]
        )
        == 0
    )
    assert "<h1>" in page.read_text(encoding="utf-8")


def test_report_takes_parts_and_subjects_and_refuses_what_does_not_fit(file, tmp_path, capsys):
    one, two = file("one", {"f::x[1]": value()}), file("two", {"f::x[2]": value()})
    other = file("other", {"f::x[1]": value(), "f::x[2]": value()}, on=ONEDNN)
    killed = file("killed", {"f::x[1]": value(), "f::x[2]": None}, on=ONEDNN, footer=False)
    page = tmp_path / "page.html"
    assert main(["report", one, two, other, "-o", str(page), "--since", other]) == 0
    assert main(["report", one, two, killed, "-o", str(page), "--partial"]) == 0
    assert main(["report", killed, "-o", str(page), "--partial"]) == 0
    assert capsys.readouterr().out == f"{page}\n" * 3
    for arguments, said in [
        (
            [one, two, killed],
            f"{killed}: 1 of 2 planned calls has no result of 2.21.0 oneDNN, such as cases/f::x[2]",
        ),
        ([one, other], "plans differ: "),
        ([one, one], f"duplicate subject: {one} and {one}"),
        ([one, "--since", str(tmp_path / "none")], "none: cannot be read"),
        ([one, "--since"], "expected one argument"),
    ]:
        try:
            status = main(["report", *arguments])
        except SystemExit as left:
            status = left.code
        assert status == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [True, False])
def test_hostile_text_moves_no_cursor_and_is_no_markup(tmp_path, terminal):
    hostile = "[bold red]\x1b[2J:tada:\u202e\r" + "x" * 300
    here, there = (
        subject({hostile: said}, tensorflow=hostile, environment={hostile: said})
        for said in ("old", "new")
    )
    old = run(tmp_path / "old", {"f::x[1]": value()}, on=here)
    new = run(tmp_path / "new", {"f::x[1]": value(verdict="deviates", warns=[hostile])}, on=there)
    console = Console(
        force_terminal=terminal,
        width=80,
        record=True,
        file=(tmp_path / "out").open("w", encoding="utf-8"),
    )
    print_changes(compare(old, new), console)
    text = console.export_text()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold red]\\x1b[2J:tada:\\u202e xxx" in text
    assert max(len(line) for line in text.splitlines()) > 300, "no line is broken"


def test_merge_takes_one_subject_and_says_what_is_wrong(file, tmp_path, capsys):
    one, two = (
        file(f"{number}", {f"f::x[{number}]": value()}, shard=f"{number}/2") for number in (1, 2)
    )
    other = file("other", {"f::x[1]": value()}, on=ONEDNN, shard="1/2")
    output = tmp_path / "merged.jsonl"
    assert main(["merge", one, "-o", str(output), "--partial"]) == 0
    assert read(output).header["shard"] == "1/2"
    assert main(["merge", str(output), two, "-o", str(tmp_path / "all.jsonl")]) == 0
    assert read(tmp_path / "all.jsonl").complete
    for files, said in [
        (
            [one, other, "--partial"],
            "the merged file: contains 2 subjects (2.21.0, 2.21.0 oneDNN); expected exactly one",
        ),
        ([one, one], "duplicate shard"),
        ([one, two, "-o", str(tmp_path / "no" / "x.jsonl")], "cannot write"),
    ]:
        capsys.readouterr()
        assert main(["merge", "-o", str(output), *files]) == 2
        assert said in capsys.readouterr().err


def test_a_merged_file_keeps_what_had_begun(file, tmp_path):
    path = file("1", {"f::x[1]": value(), "f::x[2]": None}, footer=False)
    with Path(path).open("a") as lines:
        lines.write('{"type":"start","id":"cases/f::x[2]"}\n')
    assert main(["merge", path, "-o", str(tmp_path / "merged.jsonl"), "--partial"]) == 0
    merged = read(tmp_path / "merged.jsonl")
    assert (merged.started, merged.footer) == ({"cases/f::x[2]"}, None)


TAKING = ["report", "merge", "summary"]


def ran(capsys, *arguments):
    """The exit status of a command, and what it printed to standard error."""
    try:
        status = main(list(map(str, arguments)))
    except SystemExit as left:
        status = left.code
    return status, capsys.readouterr().err


@pytest.mark.parametrize("command", TAKING)
@pytest.mark.parametrize("as_folder", [False, True])
def test_a_shard_or_an_interrupted_run_alone_needs_partial(
    file, tmp_path, capsys, monkeypatch, command, as_folder
):
    monkeypatch.chdir(tmp_path)
    for folder, ends, options, said in [
        (
            "shard",
            {"f::x[1]": value()},
            {"shard": "1/2"},
            "2.21.0: shard 2 of 2 is missing; --partial accepts this",
        ),
        (
            "cut",
            {"f::x[1]": value()},
            {"footer": False},
            "results.jsonl: the footer is missing: the run was interrupted; --partial",
        ),
    ]:
        path = Path(folder) if as_folder else Path(folder, "results.jsonl")
        file(f"{folder}/results.jsonl", ends, **options)
        status, err = ran(capsys, command, path)
        assert (status, err.count("\n"), said in err) == (2, 1, True), err
        assert ran(capsys, command, path, "--partial") == (0, "")


def test_every_command_takes_a_folder_of_shards(file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        file(f"shards/{number}/results.jsonl", {f"f::x[{number}]": value()}, shard=f"{number}/2")
        file(
            f"later/{number}/results.jsonl",
            {f"f::x[{number}]": value(digest="bb")},
            shard=f"{number}/2",
        )
    for command in TAKING:
        assert ran(capsys, command, "shards") == (0, "")
    for command in ("report", "summary"):
        assert ran(capsys, command, "later", "--since", "shards") == (0, "")
    assert main(["compare", "shards", "shards"]) == 0
    assert "No change: all 2 calls were compared." in capsys.readouterr().out
    assert main(["compare", "shards", "later"]) == 1
    assert "2 of the 2 compared calls changed." in capsys.readouterr().out


def test_every_command_has_the_same_statuses(file, tmp_path, capsys, monkeypatch):
    """0: nothing is wrong; 1: probe or compare found a difference; 2: the command could not do its
    work.
    """
    monkeypatch.chdir(tmp_path)
    good, failing = (
        file("good", {"f::x[1]": value()}),
        file("failing", {"f::x[1]": value(verdict="violates")}),
    )
    Path("empty").mkdir()
    Path("wrong").write_text('{"a": 1}\n')
    for command in TAKING:
        assert ran(capsys, command, good)[0] == ran(capsys, command, failing)[0] == 0, (
            "whether a call fails, pytest has said"
        )
        for wrong in (["none"], ["empty"], ["wrong"], [good, "--what"], []):
            status, err = ran(capsys, command, *wrong)
            assert (status, err.count("\n")) == (2, 1), err
    assert [
        ran(capsys, "compare", good, other)[0]
        for other in (good, failing, "none", "empty", "wrong")
    ] == [0, 1, 2, 2, 2]
    for command in ("report", "merge", "compare"):
        for output in ("no/x", "empty"):
            status, err = ran(
                capsys, command, *([good] * (1 + (command == "compare"))), "-o", output
            )
            assert (
                status,
                err.startswith(f"tf-conv-conformance: cannot write {output}: "),
                err.count("\n"),
            ) == (2, True, 1)
    question = ["conv2d", "--input=1,5,5,1", "--filter=2,2,1,1", "--strides"]
    assert [ran(capsys, "explain", *question, strides)[0] for strides in ("1", "{}")] == [0, 2]
    assert [ran(capsys, command)[0] for command in ("rules", "schema", "nonsense")] == [0, 0, 2]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [["rules"], ["schema"], ["--help"], ["summary", "a"], ["compare", "a", "a"], ["report", "a"]],
)
@pytest.mark.slow
def test_output_that_cannot_be_written_is_one_line(file, tmp_path, arguments):
    file("a", {f"f::x[{number}]": value(verdict="violates") for number in range(2000)})
    command = [
        sys.executable,
        "-c",
        "from tf_conv_conformance.cli.main import main; raise SystemExit(main())",
        *arguments,
    ]
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (found.returncode, found.stderr) == (
        2,
        "tf-conv-conformance: cannot write to standard output: No space left on device\n",
    )
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as piped:
        piped.stdout.close()
        assert piped.stderr.read() == b""
    assert piped.returncode == 141, "as of a program that SIGPIPE ends"
