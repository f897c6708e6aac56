"""The pages of what exploring found: one for each case file, all in the index, and as many as the
other pages say.
"""

import os
import re
import runpy
import shutil
import subprocess
import sys

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


def test_each_memory_finding_that_can_be_shown_here_has_its_command_on_its_page(repository):
    memory = repository / "docs/findings/memory"
    commands = runpy.run_path(str(memory / "witness.py"))["WITNESSES"]
    assert {path.stem for path in memory.glob("*.txt")} == set(commands)
    for name, command in commands.items():
        shown = (memory / f"{name}.txt").read_text(encoding="utf-8")
        ran, _, _ = shown.partition("\n# TensorFlow ")
        assert ran in {f"$ TF_ENABLE_ONEDNN_OPTS={onednn} {command}" for onednn in (0, 1)}, name
        page = (repository / f"docs/findings/{name}.md").read_text(encoding="utf-8")
        assert f"```text\n{shown}```" in page, name


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
@pytest.mark.parametrize(
    ("access", "said"),
    [
        ("ctypes.memset(block.value + 128, 1, 1)", "SIGSEGV: write 0 bytes after a block of 128"),
        ("ctypes.string_at(block.value + 200, 1)", "SIGSEGV: read 72 bytes after a block of 128"),
        ("print(ctypes.string_at(block, 4).hex())", "ffffffff"),
    ],
)
def test_the_guard_ends_a_program_at_its_first_access_beyond_a_block(
    repository, tmp_path, access, said
):
    source, library = repository / "docs/findings/memory/guard.c", tmp_path / "guard.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", source, "-o", library], check=True)
    block = "block = ctypes.c_void_p(); libc.posix_memalign(ctypes.byref(block), 64, 128)"
    program = f"import ctypes; libc = ctypes.CDLL(None); {block}; {access}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in done.stdout + done.stderr
