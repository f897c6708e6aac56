"""Lines that earlier versions wrote are read as lines of this version."""

import pytest

from support.record_files import subject
from tf_conv_conformance.records.old_schemas import with_instruction_set


@pytest.mark.parametrize(
    ("facts", "isa"),
    [
        ({"cpu": {"name": "A", "flags": ["avx", "avx2", "avx512f"]}}, "avx512_core"),
        ({"environment": {"ONEDNN_MAX_CPU_ISA": "AVX2"}}, None),
        ({"machine": "aarch64", "cpu": {"name": "B", "flags": ["asimd"]}}, "asimd"),
        ({"machine": "aarch64", "cpu": {"name": "B", "flags": ["asimd", "sve"]}}, None),
    ],
)
def test_the_instruction_set_of_an_old_record_follows_from_its_flags(facts, isa):
    line = subject(**facts)
    del line["subject"]["isa"]
    assert with_instruction_set(line)["subject"].get("isa") == isa
    newer = subject(**facts, isa="avx2_vnni")
    assert with_instruction_set(newer) == newer
