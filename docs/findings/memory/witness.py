"""Show the errors of findings: ``python docs/findings/memory/witness.py [NAME...]``.

Runs the program of a page, docs/findings/NAME.md, by a command that a reader can repeat, and writes
the command and what it said to NAME.txt, which docs/findings/make.py puts on the page. What is of
this machine, and frames that tell nothing, are left out. Needs a C compiler and addr2line.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
PLAIN = "python program.py"
UNWRITTEN = f"MALLOC_PERTURB_=165 {PLAIN}"
GUARDED = f"LD_PRELOAD=./guard.so ONEDNN_VERBOSE=profile_create {PLAIN}"
ODD_PADDING = """\
GLIBC_TUNABLES=glibc.malloc.tcache_count=0 MALLOC_PERTURB_=165 python -c "
import tensorflow as tf
one = tf.ones((1, 1, 1, 1))
tf.raw_ops.Conv2D(input=one, filter=one, strides=[1] * 4, padding='EXPLICIT',
                  explicit_paddings=[0, 0, 1])\""""
WITNESSES = {
    "filter_beyond_the_input_with_stride": UNWRITTEN,
    "depthwise_input_gradient_of_no_outputs": UNWRITTEN,
    "filter_gradient_of_no_batch": UNWRITTEN,
    "filter_gradient_writes_beyond_memory": GUARDED,
    "float64_truncated_size": GUARDED,
    "fused_depthwise_explicit_padding": PLAIN,
    "fused_empty_input_without_onednn": GUARDED,
    "gradient_operators_divide_by_stride": GUARDED,
    "huge_rate_segfaults": GUARDED,
    "huge_stride_segfaults": GUARDED,
    "one_column_of_results": GUARDED,
    "padding_beyond_the_filter": GUARDED,
    "rate_out_of_int32": PLAIN,
    "raw_padding_of_another_form": ODD_PADDING,
    "tflite_empty_filter": UNWRITTEN,
    "tflite_filter_beyond_unknown_size": GUARDED,
    "xla_depthwise_gradient_padding": PLAIN,
    "xla_gradient_padding_beyond_the_filter": GUARDED,
}
FILLED = """\
# glibc fills what it allocates with 0x5a: 1.5365222e+16 in float32, 1.7838868e+127 in float64,
# and what it frees with 0xa5: -1515870811 in int32"""
NOISE = re.compile(r"WARNING:|INFO:|[IWE]\d{4} |To enable the following|onednn_verbose|\*\*\* |\t")
FRAMES = 5
WIDTH = 140
LINES = 14


def main(names: Sequence[str]) -> None:
    """Write what is said of each finding named, or of all."""
    for name in names or WITNESSES:
        page = (HERE.parent / f"{name}.md").read_text(encoding="utf-8")
        program = page.split("```python\n")[1].split("```")[0]
        setting = re.search("TF_ENABLE_ONEDNN_OPTS=[01]", page)[0]
        command = f"{setting} {WITNESSES[name]}"
        said = run(program, command)
        filled = [FILLED] if "PERTURB" in command else []
        own = list(shortened(said))
        rest = ["…"] if len(own) > LINES else []
        lines = [f"$ {command}", *environment(said), *filled, *own[:LINES], *rest]
        (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(program: str, command: str) -> list[str]:
    """Return the lines that a program prints, run by a command as a reader would."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "program.py").write_text(program, encoding="utf-8")
        compiler = ["cc", "-shared", "-fPIC", "-O1", str(HERE / "guard.c"), "-o", "guard.so"]
        subprocess.run(compiler, cwd=folder, check=True)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return done.stdout.decode(errors="replace").splitlines()


def environment(said: Sequence[str]) -> Iterator[str]:
    """Yield what ran: TensorFlow, and oneDNN's version, instruction set and last kernel."""
    text = "\n".join(said)
    found = re.search(r"oneDNN (v[\d.]+)[^\n]*", text)
    isa = re.search(r"cpu,isa:([^\n]*)", text)
    known = [f"oneDNN {found[1]}, {isa[1]}"] if found and isa else []
    yield "# " + ", ".join([f"TensorFlow {version('tensorflow')}", *known])
    kernels = re.findall(r"create:\w+,cpu,convolution,([^,]*),([^,]*),.*,(mb[^,]*)", text)
    if kernels:
        yield f"# oneDNN's kernel: {', '.join(kernels[-1])}"


def shortened(said: Sequence[str]) -> Iterator[str]:
    """Yield what was said, without what TensorFlow logs in each run, and with short stacks."""
    stack: list[str] = []
    text = re.sub(r"^Traceback.*\n( .*\n)*", "", "\n".join(said), flags=re.M)
    text = re.sub(r".*UserWarning: (.*\n)*?  warnings.warn.*\n", "", text)
    for line in [*text.splitlines(), ""]:
        name = function(line)
        if name is not None:
            stack.append(name)
            continue
        yield from (f"    {one}" for one in telling(stack))
        stack = []
        fatal = re.sub(r"^F\d{4} \S+ +\d+ |^tensorflow\.\S*\.(?=\w+:)|\{\{\S* \S*\}\} ", "", line)
        if fatal and not NOISE.match(fatal):
            yield fatal if len(fatal) <= WIDTH else f"{fatal[:WIDTH]}…"


def function(line: str) -> str | None:
    """Return the function of a line that is a frame of guard.c or of TensorFlow."""
    if line.strip() == "generated code":
        return "code that oneDNN generated"
    if found := re.fullmatch(r"    (\S+)\+(0x[0-9a-f]+)", line):
        if not found[1].startswith("/"):
            return "the interpreter"
        resolve = ["addr2line", "-f", "-C", "-e", found[1], found[2]]
        found_at = subprocess.run(resolve, capture_output=True, text=True, check=True).stdout
        name, place = found_at.splitlines()[:2]
        file = Path(place.split(":")[0]).name
        return unsigned(name) + (f" ({file})" if file != "??" else "")
    if found := re.fullmatch(r" +@ +0x[0-9a-f]+ +(.*)", line):
        return unsigned(found[1])
    return None


def unsigned(name: str) -> str:
    """Return the name of a function without parameters, arguments of templates and lambdas."""
    name = re.sub(r"\(anonymous namespace\)::|operator\(\)", "", name)
    name = re.sub(r"::(\$_\d+|\{lambda\([^{}]*\)#\d+\})::", "", name)
    while (shorter := re.sub(r"<[^<>]*>|\([^()]*\)| const\b|\[abi:\w+\]", "", name)) != name:
        name = shorter
    return name.split(" ")[-1]


def telling(stack: Sequence[str]) -> list[str]:
    """Return the frames of TensorFlow and its libraries, the innermost ones."""
    libraries = re.compile("code|tensorflow::|dnnl|xla::|tsl::port|tflite::|xnn")
    own = [one for one in stack if libraries.match(one)]
    return list(dict.fromkeys(own))[:FRAMES]


if __name__ == "__main__":
    main(sys.argv[1:])
