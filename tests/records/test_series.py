"""Which subjects are of one series, in which order they stand, and what they are called."""

import pytest

from support.record_files import FACTS
from tf_conv_conformance.records.series import heading, labels, order, series, subject_text

JAX = {"tensorflow": None, "backend": "jax 0.10.2", "onednn": None, "git_version": None}


@pytest.mark.parametrize(
    "facts",
    [
        {"tensorflow": "2.20.0"},
        {"onednn": True},
        {"onednn": None},
        {"device": "gpu"},
        {"platform": "darwin"},
        {"machine": "aarch64"},
        {"environment": {"TF_X": "1"}},
    ],
)
def test_what_identifies_a_series(facts):
    assert series(FACTS | facts) != series(FACTS)


def test_what_merely_varies():
    other = {
        "python": "3.12.1",
        "numpy": "1.26",
        "keras": None,
        "git_version": "x",
        "cpu": {"name": "B", "flags": []},
    }
    assert series(FACTS | other) == series(dict(reversed(FACTS.items()))) == series(FACTS)
    assert series(None) is None


def test_keras_and_its_backend_identify_a_subject_without_tensorflow():
    own = series(FACTS | JAX)
    assert own not in (series(FACTS), series(FACTS | JAX | {"keras": "3.14.1"}))
    assert own != series(FACTS | JAX | {"backend": "jax 0.9.0"})
    assert own == series(FACTS | JAX | {"python": "3.12.1"})
    assert sorted([FACTS | JAX, FACTS, None], key=order) == [FACTS | JAX, FACTS, None]
    assert heading(FACTS | JAX).startswith("Keras 3.15.1 on jax 0.10.2, ")
    assert subject_text(FACTS | JAX).startswith("Keras 3.15.1 on jax 0.10.2, Python 3.11.7, ")


def test_versions_are_ordered_as_versions_and_onednn_comes_second():
    subjects = [
        FACTS | {"tensorflow": version, "onednn": onednn}
        for version, onednn in [
            ("2.21.0", True),
            ("2.9.1", True),
            ("2.21.0", False),
            ("2.21.0rc1", True),
        ]
    ]
    odd = [None, FACTS | {"tensorflow": "my build"}]
    assert [(one or {}).get("tensorflow") for one in sorted(odd + subjects, key=order)] == [
        "2.9.1",
        "2.21.0rc1",
        "2.21.0",
        "2.21.0",
        "my build",
        None,
    ]
    assert [one["onednn"] for one in sorted(subjects, key=order)[2:]] == [False, True]


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        ([{}], ["2.21.0"]),
        (
            [{}, {"onednn": True}, {"device": "gpu"}, {"tensorflow": "2.9.1"}],
            ["2.21.0", "2.21.0 oneDNN", "2.21.0 gpu", "2.9.1"],
        ),
        ([{}, {"onednn": None}], ["2.21.0 oneDNN not in effect", "2.21.0 oneDNN unknown"]),
        ([{}, {"environment": {"TF_X": "1"}}], ["2.21.0", "2.21.0 TF_X=1"]),
        (
            [
                {"environment": {"TF_X": "1", "TF_Y": "2"}},
                {"environment": {"TF_X": "1", "TF_Y": "3"}},
            ],
            ["2.21.0 TF_Y=2", "2.21.0 TF_Y=3"],
        ),
        (
            [{}, {"machine": "aarch64"}, {"onednn": True}],
            ["2.21.0 machine x86_64", "2.21.0 machine aarch64", "2.21.0 oneDNN"],
        ),
        (
            [{}, JAX, {**JAX, "backend": "torch 2.13.0+cpu"}],
            ["2.21.0", "Keras 3.15.1 on jax 0.10.2", "Keras 3.15.1 on torch 2.13.0+cpu"],
        ),
        ([{}, {"python": "3.12.1"}], ["2.21.0 Python 3.11.7", "2.21.0 Python 3.12.1"]),
        ([{}, {}], ["2.21.0 (1)", "2.21.0 (2)"]),
        (
            [{"environment": {"A": "1 B=2"}}, {"environment": {"A": "1", "B": "2"}}],
            ["2.21.0 A=1 B=2 (1)", "2.21.0 A=1 B=2 (2)"],
        ),
    ],
)
def test_labels_are_short_and_tell_subjects_apart(subjects, expected):
    assert labels([FACTS | facts for facts in subjects]) == expected


def test_no_tensorflow_has_a_label():
    assert labels([None, FACTS]) == ["no TensorFlow", "2.21.0"]
