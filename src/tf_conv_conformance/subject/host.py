"""Describe the process of a subject: its interpreter and its processor. Runs on Python 3.7."""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
import sys
from typing import Any

import numpy as np

from . import onednn

CPU_FLAGS = (  # spelled as in /proc/cpuinfo
    "avx", "avx2", "fma", "avx_vnni", "avx_vnni_int8", "avx_ne_convert",
    "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",
    "asimd", "asimdhp", "asimddp", "bf16", "i8mm", "sve", "sve2",
)  # fmt: skip
NO_SWITCHES = (
    "TF_CPP_MIN_LOG_LEVEL", "TF_CLI_CONFIG_FILE", "KERAS_BACKEND", "KERAS_HOME",
)  # fmt: skip


def facts(settings: Any, device: str, switches: Any) -> dict[str, Any]:
    """Return the facts that do not depend on the library under test, as JSON values.

    `device` begins with its kind, such as CPU in CPU:0. `switches` are the beginnings of the names
    of environment variables that matter.
    """
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": sys.platform,
        "machine": platform.machine(),
        "cpu": cpu(),
        "device": device.partition(":")[0].lower(),
        "threads": settings.get("threads"),
        **({"deterministic": True} if settings.get("deterministic") else {}),
        "environment": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(switches) and name not in NO_SWITCHES
        },
    }


def without_configuration() -> None:
    """Have Keras read no configuration file, which may change the documented defaults."""
    os.environ.setdefault("KERAS_HOME", os.devnull)


def installed(package: str) -> str | None:
    """Return the version of a package; None if it is not installed."""
    try:
        from importlib import metadata
    except ImportError:  # Python 3.7
        return None
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def cpu() -> dict[str, Any]:
    """Return the processor's name and its vector extensions, as this process sees them.

    `isa` is the instruction set that oneDNN has for such a processor, in oneDNN's names.
    """
    name, listed = listed_by_linux()
    flags = seen(listed, {**detected_by_numpy(), **detected_by_glibc(), **detected_by_kernel()})
    machine = platform.machine()
    if not set(listed) <= set(flags):
        name = ""  # the name is that of an emulator's host
    return {
        "name": name or platform.processor() or machine,
        "flags": flags,
        "isa": onednn.of_flags(flags, machine),
    }


def seen(listed: Any, detected: dict[str, bool]) -> list[str]:
    """Return the detected flags and, among the flags that cannot be detected, the listed ones.

    If a listed flag is not detected, an emulator shows the host's list, which is then ignored.
    """
    if not all(detected.get(flag, True) for flag in listed):
        listed = ()
    return [flag for flag in CPU_FLAGS if detected.get(flag, flag in listed)]


def listed_by_linux() -> tuple[str, list[str]]:
    """Return the name and the flags of the first processor in /proc/cpuinfo, if there is one."""
    name = ""
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    name = value.strip()
                if key.strip() in ("flags", "Features"):
                    return name, [flag for flag in CPU_FLAGS if flag in value.split()]
    except OSError:
        pass
    return name, []


def detected_by_numpy() -> dict[str, bool]:
    """Return, for each flag that NumPy knows, whether this process has it."""
    for package in ("numpy._core", "numpy.core"):  # NumPy 2, NumPy 1
        try:
            features = importlib.import_module(package + "._multiarray_umath").__cpu_features__
        except (ImportError, AttributeError):
            continue
        names = {flag: flag.replace("_", "").upper() for flag in CPU_FLAGS}
        names["fma"] = "FMA3"
        return {flag: features[name] for flag, name in names.items() if name in features}
    return {}


def detected_by_glibc() -> dict[str, bool]:
    """Return the flags of x86 that NumPy does not know; none before glibc 2.33."""
    try:
        leaf = ctypes.CDLL(None).__x86_get_cpuid_feature_leaf
    except (AttributeError, OSError):
        return {}
    leaf.restype = ctypes.POINTER(ctypes.c_uint32 * 4)
    eax, _, _, edx = leaf(6).contents  # glibc's number for CPUID with EAX 7 and ECX 1
    return {
        "avx_vnni": bool(eax >> 4 & 1),
        "amx_fp16": bool(eax >> 21 & 1),
        "avx_vnni_int8": bool(edx >> 4 & 1),
        "avx_ne_convert": bool(edx >> 5 & 1),
    }


def detected_by_kernel() -> dict[str, bool]:
    """Return the flags of aarch64 that NumPy does not know, from the auxiliary vector of Linux."""
    if sys.platform != "linux" or platform.machine() != "aarch64":
        return {}
    getauxval = ctypes.CDLL(None).getauxval
    getauxval.restype, getauxval.argtypes = ctypes.c_ulong, [ctypes.c_ulong]
    hwcap2 = getauxval(26)  # AT_HWCAP2; the bits are those of the kernel's asm/hwcap.h
    bits = {"sve2": 1, "i8mm": 13, "bf16": 14}
    return {name: bool(hwcap2 >> bit & 1) for name, bit in bits.items()}
