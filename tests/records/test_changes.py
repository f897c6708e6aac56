"""What changed between two runs: found, said in words, grouped; and what could not be looked at,
said as well.
"""

import pytest

from support.record_files import (
    DATA,
    SENTENCES,
    UNSUPPORTED,
    crash,
    ended,
    error,
    failed,
    late,
    run,
    subject,
    value,
)
from tf_conv_conformance.records.changes import compare


@pytest.fixture
def changes(tmp_path):
    """The changes from one run to another, each the ends by call and how `run` is to make them."""

    def made(old, new, old_options=None, new_options=None):
        return compare(
            run(tmp_path / "old", old, **(old_options or {})),
            run(tmp_path / "new", new, **(new_options or {})),
        )

    return made


SHAPED = {"shape": (1, 6, 6, 12), "verdict": "deviates"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (value(), value(), None),
        (value(**SHAPED), value((1, 6, 6, 12), "resolved"), "deviates → resolved"),
        (value(**SHAPED), value((1, 4, 4, 12), "deviates"), "[1, 6, 6, 12] → [1, 4, 4, 12]"),
        (
            value(**SHAPED),
            value((1, 4, 4, 12), digest="bb"),
            "deviates → conforms; [1, 6, 6, 12] → [1, 4, 4, 12]",
        ),
        (value(), value(dtype="float64"), "float32 → float64"),
        (value(), value(digest="bb"), "same shape, other values"),
        (value(), value(digest=None), None),
        (value(static=[1, 6, 6, 1]), value(), None),  # of a version that recorded none
        (value(), value(static=[1, 6, 6, 1], digest="bb"), "same shape, other values"),
        (value(static=[1, 6, 6, 1]), value(static=None), "[1, 6, 6, 1] → unknown rank"),
        (
            value(static=[1, None, 6]),
            value(static=[1, None, None]),
            "[1, None, 6] → [1, None, None]",
        ),
        (value(digest=None), value(digest=None), None),
        (value(), error(), "conforms → refused; float32 of shape [1, 6, 6, 1] → ValueError"),
        (error(), value(), "refused → conforms; ValueError → float32 of shape [1, 6, 6, 1]"),
        (error(), error("TypeError"), "ValueError → TypeError"),
        (error(), error(message="in other words"), None),
        (error(), crash(), "refused → crashed; ValueError → crashed (SIGFPE)"),
        (crash(), crash("SIGABRT"), "SIGFPE → SIGABRT"),
        (late(60.0), late(5.0), None),
        (crash(), late(), "crashed → timed out; crashed (SIGFPE) → timed out"),
        (value(), value(warns=["UserWarning"]), "warns UserWarning now"),
        (value(warns=["UserWarning"]), value(), "no longer warns UserWarning"),
        (value(warns=["A", "B"]), value(warns=["B", "C", "C"]), "warns C now, no longer warns A"),
        (value() | {"seconds": 9}, value() | {"reason": "another reason"}, None),
    ],
)
def test_what_became_what(changes, old, new, words):
    found = changes({"f::x[1]": old, "f::x[2]": value()}, {"f::x[1]": new, "f::x[2]": value()})
    assert [(one.id, one.case, one.words) for one in found.changed] == (
        [("cases/f::x[1]", "cases/f::x", words)] if words else []
    )
    assert found.any is bool(words)
    assert found.compared == 2
    assert not found.blind


def test_all_that_is_the_same_is_said_only_after_looking(changes):
    assert (
        changes({"f::x[1]": value()}, {"f::x[1]": value()}).sentence
        == "No change: the only call was compared."
    )
    unhashed = changes(
        {"f::x[1]": value(digest=None), "f::x[2]": error()},
        {"f::x[1]": value(), "f::x[2]": error()},
    )
    assert unhashed.values_unknown == 1
    assert (
        unhashed.sentence
        == "No change in the 2 compared calls (1 of them by shape and dtype only)."
    )


def test_bits_from_other_data_are_not_compared(changes):
    other = [DATA[0] | {"seed": 2}]
    found = changes({"f::x[1]": value()}, {"f::x[1]": value(digest="bb") | {"data": other}})
    assert not found.any
    assert found.values_unknown == 1


@pytest.mark.parametrize(
    ("old", "new", "why", "blind"),
    [
        (None, value(), "no result in the old run", True),
        (value(), None, "no result in the new run", True),
        (None, None, "no result in either run", True),
        (UNSUPPORTED, value(), "unsupported in the old run", True),
        (value(), UNSUPPORTED, "unsupported in the new run", True),
        (UNSUPPORTED, None, "unsupported in the old run and no result in the new run", True),
        (UNSUPPORTED, UNSUPPORTED, "unsupported in both runs", False),
        (value(), failed(exit_status=3), "suite error in the new run", True),
        (
            failed(exit_status=3),
            failed(protocol_error="no JSON"),
            "suite error in either run",
            True,
        ),
    ],
)
def test_what_could_not_be_compared_is_said(changes, old, new, why, blind):
    found = changes({"f::x[1]": old, "f::x[2]": value()}, {"f::x[1]": new, "f::x[2]": value()})
    assert [(one.id, one.why) for one in found.not_compared] == [("cases/f::x[1]", why)]
    assert found.blind is blind
    assert not found.any
    assert found.sentence == f"No change in the 1 compared call; not compared: 1 {why}."


def test_nothing_compared_is_not_nothing_changed(changes):
    for old, new in (
        ({"f::x[1]": UNSUPPORTED},) * 2,
        ({"f::x[1]": value()}, {"g::y[1]": value()}),
        ({}, {}),
    ):
        found = changes(old, new)
        assert found.sentence.startswith("Nothing could be compared")
        assert found.blind


def test_edited_added_removed_and_moved(changes):
    moved = {"f::old-name[1]": "same", "f::new-name[1]": "same"}
    found = changes(
        {"f::x[1]": value(), "f::x[2]": value(), "f::gone[1]": value(), "f::old-name[1]": value()},
        {
            "f::x[1]": value((9,)),
            "f::x[2]": value(),
            "f::come[1]": value(),
            "f::new-name[1]": value(digest="bb"),
        },
        {"hashes": moved},
        {"hashes": moved | {"f::x[1]": "edited"}},
    )
    assert found.edited == ("cases/f::x[1]",)
    assert found.added == ("cases/f::come[1]",)
    assert found.removed == ("cases/f::gone[1]",)
    assert found.moved == (("cases/f::old-name[1]", "cases/f::new-name[1]"),)
    (change,) = found.changed
    assert (change.id, change.case, change.moved_from) == (
        "cases/f::new-name[1]",
        "cases/f::new-name",
        "cases/f::old-name[1]",
    )
    assert (
        found.sentence
        == "1 of the 2 compared calls changed; not compared: 1 edited, 1 added, 1 removed."
    )
    assert not found.blind, "the commit that edited the cases tells of them"


@pytest.mark.parametrize(
    ("gone", "came"), [(["a", "b"], ["c"]), (["a"], ["b", "c"]), (["a", "b"], ["c", "d"])]
)
def test_a_move_that_could_be_either_is_none(changes, gone, came):
    hashes = dict.fromkeys((f"f::{name}[1]" for name in "abcd"), "same")
    options = {"hashes": hashes}
    found = changes(
        {f"f::{name}[1]": value() for name in gone},
        {f"f::{name}[1]": value() for name in came},
        options,
        options,
    )
    assert found.moved == ()
    assert (len(found.removed), len(found.added)) == (len(gone), len(came))


def test_a_copy_of_a_call_that_stays_has_not_moved(changes):
    hashes = {"f::x[1]": "same", "f::copy[1]": "same"}
    found = changes(
        {"f::x[1]": value()},
        {"f::x[1]": value(), "f::copy[1]": value()},
        {"hashes": hashes},
        {"hashes": hashes},
    )
    assert (found.moved, found.added) == ((), ("cases/f::copy[1]",))


def test_like_changes_are_one_group(changes):
    old = {
        f"f::swept[{number}]": value((1, number, number, 1), "deviates") for number in range(1, 301)
    }
    new = {f"f::swept[{number}]": value((1, 1, number, 2), "violates") for number in range(1, 301)}
    others = {
        "f::warned[1]": (value(), value(warns=["W"])),
        "f::swept[x]": (value(), value(verdict="violates")),
        "g::same[1]": (value(), value()),
    }
    found = changes(
        old | {name: pair[0] for name, pair in others.items()},
        new | {name: pair[1] for name, pair in others.items()},
    )
    assert [
        (group.case, group.kind, len(group.ids), group.example.words) for group in found.groups()
    ] == [
        (
            "cases/f::swept",
            "deviates → violates; another shape",
            300,
            "deviates → violates; [1, 1, 1, 1] → [1, 1, 1, 2]",
        ),
        ("cases/f::swept", "conforms → violates", 1, "conforms → violates"),
        ("cases/f::warned", "warns W now", 1, "warns W now"),
    ]
    assert found.groups()[0].ids[299] == "cases/f::swept[300]"


def test_the_environment_is_told_field_by_field(changes):
    ends = {"f::x[1]": value()}
    now = subject(
        onednn=True,
        numpy="2.5",
        keras=None,
        environment={"TF_X": "1"},
        cpu={"name": "A", "flags": ["avx2", "fma"]},
    )
    found = changes(ends, ends, {"on": subject(environment={"TF_Y": ""})}, {"on": now})
    assert [(one.name, one.old, one.new, one.identifies) for one in found.environment] == [
        ("oneDNN", "not in effect", "in effect", True),
        ("TF_Y", "", None, True),
        ("TF_X", None, "1", True),
        ("NumPy", "2.4.6", "2.5", False),
        ("Keras", "3.15.1", "none", False),
        ("CPU extensions", "avx2", "avx2 fma", False),
    ]
    assert (found.old, found.new) == ("2.21.0", "2.21.0 oneDNN")
    assert not found.any, "another environment alone is no change"
    assert not found.blind


def test_the_same_series_has_one_label(changes):
    found = changes(
        {"f::x[1]": value()}, {"f::x[1]": value()}, None, {"on": subject(python="3.12.0")}
    )
    assert (found.old, found.new) == ("2.21.0", "2.21.0")
    assert [(one.name, one.identifies) for one in found.environment] == [("Python", False)]


def test_another_version_of_the_suite_is_listed(tmp_path):
    old, new = (run(tmp_path / name, {"f::x[1]": value()}) for name in ("old", "new"))
    old.header["suite"] = "0.0.9"
    (change,) = compare(old, new).environment
    assert (change.name, change.old, change.identifies) == ("suite", "0.0.9", False)


def test_documentation_that_changed_or_vanished(changes):
    ends = {"f::x[1]": value()}
    before = SENTENCES | {"b": "as before", "c": "once", "d": None, "only.old": "x"}
    now = {
        "conv2d.input-rank": "Rank 4.",
        "b": "as before",
        "c": None,
        "d": "at last",
        "only.new": "y",
    }
    found = changes(ends, ends, {"on": subject(before)}, {"on": subject(now)})
    assert [(one.name, one.old, one.new) for one in found.documentation] == [
        ("conv2d.input-rank", "A Tensor of rank at least 4.", "Rank 4."),
        ("c", "once", None),
        ("d", None, "at last"),
    ]


def test_a_run_without_tensorflow_has_lost_everything(changes):
    found = changes({"f::x[1]": value()}, {"f::x[1]": None})
    assert (found.old, found.new, found.blind) == ("2.21.0", "no TensorFlow", True)
    assert ("TensorFlow", "2.21.0", None) in [
        (one.name, one.old, one.new) for one in found.environment
    ]


def test_a_flaky_or_vacuous_end_without_observation_is_compared_by_verdict(changes):
    found = changes({"f::x[1]": ended("vacuous")}, {"f::x[1]": ended("conforms")})
    assert [one.words for one in found.changed] == ["vacuous → conforms"]


def test_what_another_shard_may_hold_was_neither_added_nor_removed(changes):
    whole = {"f::x[1]": value(), "f::x[2]": value(), "f::x[3]": value()}
    part = {"f::x[2]": value()}
    found = changes(whole, part, new_options={"shard": "2/3"})
    assert (found.added, found.removed, found.compared) == ((), (), 1)
    assert found.blind
    assert found.sentence == (
        "No change in the 1 compared call; not compared: 2 in a shard of the new run "
        "that was not given."
    )
    found = changes(part, whole, old_options={"shard": "2/3"})
    assert (found.added, found.removed) == ((), ())
    assert [one.id for one in found.not_compared] == ["cases/f::x[1]", "cases/f::x[3]"]
    assert changes(whole, part, new_options={"shard": "1/1"}).removed == (
        "cases/f::x[1]",
        "cases/f::x[3]",
    )
