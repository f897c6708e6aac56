"""oneDNN says which instruction set it uses."""

import os
import subprocess
import sys

import pytest

from tf_conv_conformance.convolution.instruction_sets import INSTRUCTION_SETS
from tf_conv_conformance.subject.definition import define
from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.subject.onednn import named, of_flags, preferred, printed

AVX512 = "Intel AVX-512 with "
FP16 = AVX512 + "float16, Intel DL Boost and bfloat16 support"
OLD_AMX = AVX512 + "Intel DL Boost and bfloat16 support and Intel AMX with "


@pytest.mark.parametrize(
    ("description", "isa"),
    [
        ("Intel SSE4.1", "sse41"),
        ("Intel AVX", "avx"),
        ("Intel AVX2", "avx2"),
        ("Intel AVX2 with Intel DL Boost", "avx2_vnni"),
        ("Intel AVX2 with Intel DL Boost, float16 and bfloat16 support", "avx2_vnni_2"),
        (AVX512 + "AVX512BW, AVX512VL, and AVX512DQ extensions", "avx512_core"),
        (AVX512 + "AVX512CD, AVX512ER, and AVX512PF extensions", "avx2"),
        (AVX512 + "Intel DL Boost", "avx512_core_vnni"),
        (AVX512 + "Intel DL Boost and bfloat16 support", "avx512_core_bf16"),
        (AVX512 + "Intel DL Boost and bfloat16 support on Ymm/Zmm", "avx512_core_bf16"),
        (FP16 + " ", "avx512_core_fp16"),
        (FP16 + " and Intel AMX with bfloat16 and 8-bit integer support", "avx512_core_amx"),
        (
            FP16 + " and Intel AMX with bfloat16, float16 and 8-bit integer support",
            "avx512_core_amx_fp16",
        ),
        (OLD_AMX + "bfloat16 and 8-bit integer support", "avx512_core_amx"),
        (OLD_AMX + "8-bit integer support", "avx512_core_bf16"),
        ("Intel AVX10.2", "avx10_2"),
        (
            "Intel AVX10.2 with float16, Intel DL Boost and Intel AMX with bfloat16, float16, "
            "float8 and 8-bit integer support",
            "avx10_2_amx_2",
        ),
        ("AArch64 SVE (256 bits)", "sve_256"),
        ("AArch64 (with Advanced SIMD & floating-point)", "asimd"),
        ("Intel 64", None),
        ("", None),
    ],
)
def test_a_description_has_a_name(description, isa):
    assert named(description) == isa
    assert isa is None or isa in INSTRUCTION_SETS


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        (
            "onednn_verbose,v1,info,oneDNN v3.7.3 (commit N/A)\n"
            "onednn_verbose,v1,info,cpu,runtime:threadpool,nthr:2\n"
            "onednn_verbose,v1,info,cpu,isa:Intel AVX2\n",
            {"isa": "avx2", "onednn_version": "3.7.3"},
        ),
        (
            "dnnl_verbose,info,DNNL v1.2.0 (commit a)\n"
            "dnnl_verbose,info,Detected ISA is Intel AVX\n",
            {"isa": "avx", "onednn_version": "1.2.0"},
        ),
        ("dnnl_verbose,info,cpu,isa:Intel 64\n", {}),
        ("a message of another library\n", {}),
    ],
)
def test_what_onednn_prints_is_read(text, facts):
    assert printed(text) == facts


def test_an_instruction_set_follows_from_the_flags_of_a_processor():
    assert of_flags([], "x86_64") == "sse41"
    assert of_flags(["avx", "avx2", "avx_vnni"], "x86_64") == "avx2_vnni"
    spr = ["avx", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16"]
    assert of_flags(spr, "AMD64") == "avx512_core_fp16"
    assert of_flags([*spr, "amx_int8", "amx_bf16"], "x86_64") == "avx512_core_amx"
    assert of_flags([*spr, "amx_bf16"], "x86_64") == "avx512_core_fp16"
    assert of_flags(["asimd"], "aarch64") == "asimd"
    assert of_flags([], "riscv64") is None


@pytest.mark.tensorflow
@pytest.mark.parametrize("onednn", ["0", "1"])
def test_a_subject_has_the_instruction_set_that_onednn_prints(monkeypatch, onednn):
    """The environment that it inherits switches oneDNN, and its definition says what it may use."""
    program = "import tensorflow as tf; tf.nn.conv2d(tf.ones([1, 8, 8, 8]), tf.ones([3, 3, 8, 8]), "
    program += "1, 'VALID')"
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", onednn)
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "ONEDNN_VERBOSE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    gateway = Gateway([], 60, define("x = ONEDNN_MAX_CPU_ISA=AVX2", "."))
    try:
        subject = gateway.subject
    finally:
        gateway.close()
    assert f"cpu,isa:{'Intel AVX2'}\n" in ran.stdout
    assert f"oneDNN v{subject['onednn_version']} " in ran.stdout
    assert subject["isa"] == "avx2"
    assert subject["onednn"] == (onednn == "1")
    assert subject["environment"]["TF_ENABLE_ONEDNN_OPTS"] == onednn


@pytest.mark.parametrize(
    ("version", "flags", "setting", "uses"),
    [
        ((2, 8), ["avx512_vnni"], "", False),
        ((2, 8), ["avx2"], "true", True),
        ((2, 10), ["avx512f"], "", False),
        ((2, 10), ["avx512f", "avx512_vnni"], "", True),
        ((2, 10), ["avx512f", "avx512_vnni"], "no", True),
        ((2, 10), ["avx512f", "avx512_vnni"], "0", False),
        ((2, 10), ["avx2"], "1", True),
    ],
)
def test_whether_an_old_tensorflow_uses_onednn(version, flags, setting, uses):
    assert preferred(version, flags, setting) is uses
