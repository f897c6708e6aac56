"""The commands that print or write what comes with the package."""

import pytest

from tf_conv_conformance.casefile.schema import schema_text
from tf_conv_conformance.casefile.sniffing import is_case_file
from tf_conv_conformance.cli.main import main


def test_every_page_is_listed(repository, capsys):
    names = sorted(path.stem for path in (repository / "docs").glob("*.md"))
    assert main(["docs"]) == 0
    assert sorted(line.split()[0] for line in capsys.readouterr().out.splitlines()) == names


@pytest.mark.parametrize("name", ["rules", "rules.md", "docs/rules.md"])
def test_a_page_is_printed_by_the_name_that_messages_have(repository, capsys, name):
    assert main(["docs", name]) == 0
    assert capsys.readouterr().out == (repository / "docs/rules.md").read_text(encoding="utf-8")


def test_a_finding_is_printed(repository, capsys):
    assert main(["docs", "docs/findings/huge_stride_segfaults.md"]) == 0
    assert capsys.readouterr().out.startswith("# A stride near 2**29")


@pytest.mark.parametrize("name", ["nosuch", "../README", "findings", ""])
def test_a_page_that_is_not_there_is_refused(capsys, name):
    assert main(["docs", name]) == 2
    assert f"no page {name!r}; the pages are " in capsys.readouterr().err


def test_the_schema_is_written_with_the_line_that_names_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["schema", "--write"]) == 0
    assert (tmp_path / "case-file.schema.json").read_text(encoding="utf-8") == schema_text()
    *_, line, _, below = capsys.readouterr().out.splitlines()
    assert below.endswith("$schema=../case-file.schema.json")
    case_file = tmp_path / "mine.yaml"
    case_file.write_text(f"{line}\ncases: []\n", encoding="utf-8")
    assert is_case_file(case_file)
