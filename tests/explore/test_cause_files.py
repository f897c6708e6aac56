"""The files of a cause."""

from tf_conv_conformance.explore.cause_files import CauseFiles


def test_files_of_the_smaller_call_are_kept(tmp_path):
    def found(size):
        return CauseFiles(
            "x-0123456789", "title", size, f"# title\n# size: {size:.1f}\n", f"size = {size}\n"
        )

    found(20.0).write(tmp_path / "found")
    found(30.0).write(tmp_path / "found")
    assert tmp_path.joinpath("found/x-0123456789.py").read_text() == "size = 20.0\n"
    found(10.0).write(tmp_path / "found")
    assert tmp_path.joinpath("found/x-0123456789.py").read_text() == "size = 10.0\n"
    assert sorted(path.suffix for path in tmp_path.joinpath("found").iterdir()) == [".py", ".yaml"]
