"""Instruction sets are compared as oneDNN orders them."""

import re

import pytest

from tf_conv_conformance.convolution.instruction_sets import (
    INSTRUCTION_SETS,
    includes,
    is_within,
    terms,
)

BITS = {  # dnnl_cpu_isa_t of oneDNN 3.7, where an instruction set includes those of its bits
    "sse41": 0x1,
    "avx": 0x3,
    "avx2": 0x7,
    "avx2_vnni": 0xF,
    "avx2_vnni_2": 0x1F,
    "avx512_core": 0x27,
    "avx512_core_vnni": 0x67,
    "avx512_core_bf16": 0xE7,
    "avx512_core_fp16": 0x1EF,
    "avx512_core_amx": 0xFEF,
    "avx512_core_amx_fp16": 0x1FEF,
    "avx10_2": 0x21FF,
    "avx10_2_amx_2": 0xFFFF,
}


@pytest.mark.parametrize("one", BITS)
@pytest.mark.parametrize("other", BITS)
def test_the_order_is_that_of_the_bits_in_onednn(one, other):
    assert includes(one, other) == (BITS[one] & BITS[other] == BITS[other])
    assert is_within(one, f">={other}") == includes(one, other)
    assert is_within(one, f"<{other}") == (not includes(one, other))
    assert is_within(one, f"=={other}") == (one == other)


def test_every_instruction_set_of_x86_is_in_the_table_of_bits():
    assert set(INSTRUCTION_SETS) - set(BITS) == {"asimd", "sve_128", "sve_256", "sve_512"}


def test_a_range_of_another_architecture_holds_for_none():
    for text in (">=avx2", "<avx2", "==avx2"):
        assert not is_within("sve_256", text)
    assert is_within("sve_256", "!=avx2")
    assert is_within("asimd", "<sve_128")
    assert not is_within("avx2", "<sve_128")


def test_the_terms_of_a_range_hold_together():
    assert is_within("avx2_vnni", ">=avx2, <avx512_core")
    assert not is_within("avx512_core_fp16", ">=avx2,<avx512_core")
    assert not is_within(None, "!=avx2")


@pytest.mark.parametrize("text", ["avx2", ">=avx3", "", ">=avx2,", ">avx2", "=>avx2"])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match=f"^{re.escape(text.split(',')[-1])}$"):
        terms(text)
