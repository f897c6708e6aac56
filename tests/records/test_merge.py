"""Record files as columns: parts are joined, and files that do not fit together are refused."""

import json

import pytest

from support.record_files import UNSUPPORTED, crash, run, single, subject, value
from tf_conv_conformance.records.merge import MergeError, merge
from tf_conv_conformance.records.reader import read

ONEDNN = subject(onednn=True)
OLDER = subject(tensorflow="2.9.0")


@pytest.fixture
def made(tmp_path):
    """A record file by name: (name, records), as `merge` takes it."""

    def make(name, ends, **options):
        return name, run(tmp_path / name, ends, **options)

    return make


def refusal(files, **options):
    with pytest.raises(MergeError) as caught:
        merge(files, **options)
    return str(caught.value)


def test_a_file_is_a_column(made):
    file = made("a", {"f::x[1]": value(), "f::x[2]": UNSUPPORTED})
    (column,) = merge([file])
    assert (column.label, column.subject["tensorflow"]) == ("2.21.0", "2.21.0")
    assert column.records.complete
    assert [end["verdict"] for end in column.records.ends.values()] == ["conforms", "unsupported"]


def test_columns_stand_by_version_then_onednn(made):
    ends = {"f::x[1]": value()}
    columns = merge([made("a", ends, on=ONEDNN), made("b", ends), made("c", ends, on=OLDER)])
    assert [column.label for column in columns] == ["2.9.0", "2.21.0", "2.21.0 oneDNN"]
    assert [column.subject for column in columns] == [
        line["subject"] for line in (OLDER, subject(), ONEDNN)
    ]


def test_parts_of_a_series_are_joined(made):
    """Another processor is another subject of the same series."""
    elsewhere = subject(cpu={"name": "B", "flags": []})
    (column,) = merge(
        [
            made("a", {"f::x[1]": value(digest="one")}),
            made("b", {"f::x[2]": crash(), "g::y[1]": value()}, on=elsewhere),
        ]
    )
    records = column.records
    assert (
        list(records.calls)
        == list(records.ends)
        == ["cases/f::x[1]", "cases/f::x[2]", "cases/g::y[1]"]
    )
    assert [end["verdict"] for end in records.ends.values()] == ["conforms", "crashed", "conforms"]
    assert records.cases.keys() == {"cases/f::x", "cases/g::y"}
    assert records.subjects.keys() == {subject()["key"], elsewhere["key"]}
    assert records.complete
    assert records.started == set(records.calls)
    assert (records.footer["calls"], records.footer["ended"]) == (3, 3)


def test_what_one_part_left_over_another_may_end(made):
    (column,) = merge(
        [made("a", {"f::x[1]": value(), "f::x[2]": None}), made("b", {"f::x[2]": value()})]
    )
    assert column.records.complete


def test_a_duplicate_subject_is_refused(made):
    files = [
        made("a", {"f::x[1]": value(), "f::x[2]": value()}),
        made("b", {"f::x[2]": value(), "f::x[1]": value()}),
    ]
    assert refusal(files, partial=True) == (
        "duplicate subject: a and b both have results of 2.21.0 for 2 calls, such as cases/f::x[2]"
    )


def test_one_call_in_two_parts_is_refused(made):
    files = [
        made("a", {"f::x[1]": value(), "f::x[2]": value()}),
        made("b", {"f::x[3]": value(), "f::x[2]": value()}),
    ]
    assert "for 1 call, such as cases/f::x[2]" in refusal(files)


def test_plans_that_differ_are_refused(made):
    one = made("a", {"f::x[1]": value(), "f::x[2]": value()})
    other = made("b", {"f::x[2]": value(), "f::x[3]": value(), "f::x[4]": value()}, on=ONEDNN)
    said = (
        "plans differ: 2 calls of 2.21.0 (a), 3 of 2.21.0 oneDNN (b): "
        "1 only in a, such as cases/f::x[1]; 2 only in b, such as cases/f::x[3]"
    )
    assert refusal([one, other]) == refusal([other, one], partial=True) == said


def test_an_edited_call_is_refused_between_columns_and_between_parts(made):
    one = made("a", {"f::x[1]": value(), "f::x[2]": value()})
    edited = {"f::x[2]": "another"}
    other = made("b", {"f::x[1]": value(), "f::x[2]": value()}, on=ONEDNN, hashes=edited)
    assert "1 edited, such as cases/f::x[2]" in refusal([one, other])
    part = made("c", {"f::x[2]": None, "f::x[3]": value()}, hashes=edited)
    said = "plans differ: cases/f::x[2] is not the same call in a and c"
    assert refusal([one, part], partial=True) == said


def test_the_file_that_holds_the_example_is_named(made):
    parts = [made("a", {"f::x[1]": value()}), made("b", {"f::x[2]": value()})]
    said = refusal([*parts, made("c", {"f::x[1]": value()}, on=ONEDNN)])
    assert (
        "2 calls of 2.21.0 (a, b), 1 of 2.21.0 oneDNN (c): 1 only in b, such as cases/f::x[2]"
        in said
    )


def test_a_run_that_did_not_come_to_its_end_is_refused_unless_partial(made):
    killed = made("a", {"f::x[1]": value(), "f::x[2]": None}, footer=False)
    assert refusal([killed]) == (
        "a: the footer is missing: the run was interrupted; a: 1 of 2 planned calls "
        "has no result of 2.21.0, such as cases/f::x[2]"
        "; --partial accepts this, and counts calls without a result as missing"
    )
    (column,) = merge([killed], partial=True)
    assert not column.records.complete
    assert list(column.records.ends) == ["cases/f::x[1]"]


def test_a_footer_with_planned_calls_left_is_refused_too(made):
    assert refusal([made("a", {"f::x[1]": value(), "f::x[2]": None, "f::x[3]": None})]).startswith(
        "a: 2 of 3 planned calls have no result of 2.21.0, such as cases/f::x[2]"
    )


def test_a_run_without_tensorflow_is_a_column_of_its_own(made):
    nothing = made("a", {"f::x[1]": None})
    columns = merge([nothing, made("b", {"f::x[1]": value()})], partial=True)
    assert [(column.label, column.subject is None) for column in columns] == [
        ("2.21.0", False),
        ("no TensorFlow", True),
    ]


def each(path, first, second):
    """One file with two subjects' ends, as pytest-xdist's ``--dist each`` makes it."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    found = [line for line in lines if line["type"] in ("start", "end")]
    others = [
        line | ({"subject": second["key"], "digest": "other"} if line["type"] == "end" else {})
        for line in found
    ]
    lines[-1:-1] = [second, *others]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path.name, read(path)


def test_several_subjects_in_one_file_are_columns(made, tmp_path):
    made("a", {"f::x[1]": value(), "f::x[2]": value()})
    file = each(tmp_path / "a", subject(), ONEDNN)
    columns = merge([file])
    assert [column.label for column in columns] == ["2.21.0", "2.21.0 oneDNN"]
    assert [[end["digest"] for end in column.records.ends.values()] for column in columns] == [
        ["aa", "aa"],
        ["other", "other"],
    ]
    assert [list(column.records.subjects) for column in columns] == [
        [subject()["key"]],
        [ONEDNN["key"]],
    ]
    with pytest.raises(
        MergeError, match=r"a: contains 2 subjects \(2.21.0, 2.21.0 oneDNN\); expected exactly one"
    ):
        single(*file)


def test_calls_shared_out_between_subjects_are_missing_in_either(tmp_path, made):
    name, records = made("a", {"f::x[1]": value(), "f::x[2]": value(), "f::x[3]": None})
    records.subjects[ONEDNN["key"]] = ONEDNN
    records.every_end[1]["subject"] = ONEDNN["key"]
    records.started.add("cases/f::x[3]")
    said = refusal([(name, records)])
    assert "a: 2 of 3 planned calls have no result of 2.21.0, such as cases/f::x[2]" in said
    assert "a: 2 of 3 planned calls have no result of 2.21.0 oneDNN, such as cases/f::x[1]" in said
    columns = merge([(name, records)], partial=True)
    assert [list(column.records.ends) for column in columns] == [
        ["cases/f::x[1]"],
        ["cases/f::x[2]"],
    ]
    assert [sorted(column.records.started) for column in columns] == [
        ["cases/f::x[1]", "cases/f::x[3]"],
        ["cases/f::x[2]", "cases/f::x[3]"],
    ]


def test_a_call_made_again_for_the_same_subject_has_its_last_end(made, tmp_path):
    name, records = made("a", {"f::x[1]": crash()})
    again = records.every_end[0] | value()
    (column,) = merge(
        [
            (name, records),
        ]
    )[:1]
    records.every_end.append(again)
    records.ends["cases/f::x[1]"] = again
    (column,) = merge([(name, records)])
    assert column.records.ends["cases/f::x[1]"]["verdict"] == "conforms"


THREE = {"f::x[1]": value(), "f::x[2]": value(), "f::x[3]": value()}


def sharded(made, name, *numbers, of=3, **options):
    """A shard, or several merged, of the run of three calls."""
    ends = {call: end for number, (call, end) in enumerate(THREE.items(), 1) if number in numbers}
    return made(name, ends, shard=f"{','.join(map(str, numbers))}/{of}", **options)


def test_all_shards_are_a_whole_run_in_any_order(made):
    (column,) = merge([sharded(made, "c", 3), sharded(made, "a", 1), sharded(made, "b", 2)])
    assert column.records.complete
    assert column.records.shards is None
    assert column.records.footer["calls"] == 3
    (column,) = merge([sharded(made, "ac", 1, 3), sharded(made, "b", 2)])
    assert column.records.complete


def test_missing_shards_are_told_and_refused_unless_partial(made):
    files = [sharded(made, "a", 1, of=4), sharded(made, "c", 3, of=4)]
    assert refusal(files).startswith("2.21.0: shards 2, 4 of 4 are missing; --partial accepts this")
    (column,) = merge(files, partial=True)
    assert not column.records.complete
    assert column.records.lacks == ["shards 2, 4 of 4 are missing"]


def test_shards_that_are_not_of_one_run_are_refused_by_name(made):
    one, two = sharded(made, "a", 1), sharded(made, "b", 2)
    assert (
        refusal([one, two, sharded(made, "c", 2)])
        == "duplicate shard: b and c are both shard 2/3 of 2.21.0"
    )
    assert (
        refusal([one, sharded(made, "d", 2, of=4)])
        == "not shards of one run of 2.21.0: a is one of 3, d is one of 4"
    )
    assert (
        refusal([one, made("e", {"f::x[2]": value()})])
        == "not shards of one run of 2.21.0: a is one of 3, e is not a shard"
    )
    assert refusal([one, sharded(made, "g", 2, on=ONEDNN)], partial=True) == (
        "shards differ: shard 1/3 of 2.21.0 (a); shard 2/3 of 2.21.0 oneDNN (g): "
        "every subject must cover the same shards"
    )


def test_shards_of_different_tests_are_refused_by_name(made):
    """As with another durations file, or in a random order, on one of the machines."""
    one, two = sharded(made, "a", 1, of=2, whole=3), sharded(made, "b", 2, of=2, whole=3)
    advice = "run every shard with the same tests, in the same order, and with the same durations"
    assert (
        refusal([one, two])
        == f"not shards of one run of 2.21.0: a, b plan 2 of its 3 calls; {advice}"
    )
    assert refusal([one, sharded(made, "c", 2, of=2, whole=2)], partial=True) == (
        f"not shards of one run of 2.21.0: a is of a run of 3 calls, c of a run of 2; {advice}"
    )
    assert refusal([made("d", THREE, shard="1/2", whole=3), two]).endswith(
        f"for 1 call, such as cases/f::x[2]; {advice}"
    )


def test_shards_without_a_call_are_not_missing(made):
    """They have other tests alone, and write no record file."""
    files = [sharded(made, "a", 1, of=4, whole=3), sharded(made, "c", 2, 3, of=4, whole=3)]
    (column,) = merge(files)
    assert column.records.complete
    assert column.records.footer.keys() == {"type", "calls", "ended", "finished"}
    (column,) = merge(files[:1], partial=True)
    assert column.records.lacks == ["shards 2, 3, 4 of 4 are missing"]
    assert merge([made("d", THREE, shard="1/2", whole=3)])[0].records.complete
    (column,) = merge(
        [sharded(made, "a", 1, of=3, whole=3), sharded(made, "b", 2, of=3, whole=3)], partial=True
    )
    assert column.records.footer["whole"] == 3, "for when the third is merged with these two"


def test_each_subject_has_its_shards(made):
    files = [
        sharded(made, f"{number}-{on['key']}", number, on=on)
        for on in (subject(), ONEDNN)
        for number in (1, 2, 3)
    ]
    assert [column.records.complete for column in merge(files)] == [True, True]
    assert refusal(files[:-1]).startswith("shards differ: a whole run of 2.21.0 (")


def test_a_shard_in_which_nothing_fell_belongs_to_the_run(made):
    idle = made("d", {}, shard="4/4")
    assert merge([idle], partial=True)[0].records.lacks == ["shards 1, 2, 3 of 4 are missing"]
    (column,) = merge([idle, *(sharded(made, f"{number}", number, of=4) for number in (1, 2, 3))])
    assert column.records.complete
