"""Subjects are of one kind if the same kernels compute on them."""

import pytest

from support.record_files import FACTS
from tf_conv_conformance.records.measured import FILE, Measured, class_of, governing, text_of


@pytest.mark.parametrize(
    "facts",
    [{"tensorflow": "2.21.1"}, {"python": "3.12.1"}, {"numpy": "2.0"}, {"name": "other"}],
)
def test_what_does_not_choose_kernels_does_not_matter(facts):
    assert class_of(FACTS | facts) == class_of(FACTS)


@pytest.mark.parametrize(
    "facts",
    [
        {"tensorflow": "2.22.0.dev20261026"},
        {"onednn": True},
        {"isa": "avx512_core"},
        {"machine": "aarch64", "isa": "asimd"},
        {"platform": "darwin"},
        {"device": "gpu"},
    ],
)
def test_what_chooses_kernels_does(facts):
    assert class_of(FACTS | facts) not in (None, class_of(FACTS))


def test_a_nightly_is_of_its_minor_version():
    assert class_of(FACTS | {"tensorflow": "2.22.0.dev20261026"}).library == "TensorFlow 2.22"
    assert class_of(FACTS | {"tensorflow": "my build"}).library == "TensorFlow my build"


def test_keras_on_another_backend_has_a_kind_without_an_instruction_set():
    jax = {"tensorflow": None, "backend": "jax 0.10.2", "onednn": None, "isa": None}
    assert class_of(FACTS | jax).text == "Keras 3.15.1 on jax 0.10 on x86_64 CPU"


def test_a_subject_on_which_onednn_is_limited_is_of_no_kind():
    cpu = {"name": "A", "flags": ["avx2", "avx512f"], "isa": "avx512_core"}
    assert class_of(FACTS | {"cpu": cpu, "isa": "avx2"}) is None
    assert class_of(FACTS | {"isa": None}) is None
    assert not Measured(None).knows(FACTS | {"isa": None})


def test_the_nearest_file_up_to_the_root_applies(tmp_path):
    inner = tmp_path / "root" / "cases" / "inner"
    inner.mkdir(parents=True)
    root, case = tmp_path / "root", inner / "a.yaml"
    (tmp_path / FILE).touch()
    assert governing(case, root) is None
    (root / FILE).touch()
    assert governing(case, root) == root / FILE
    (inner.parent / FILE).touch()
    assert governing(case, root) == inner.parent / FILE


def test_an_empty_file_is_valid_json():
    assert text_of(Measured(None)).startswith('{"schema": 1')
