"""Record files made by hand: a call a name, each with the end that it is given."""

from dataclasses import asdict

from tf_conv_conformance.casefile.loading import load_text
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.records import lines
from tf_conv_conformance.records.lines import subject_key
from tf_conv_conformance.records.merge import merge, sole
from tf_conv_conformance.records.reader import read
from tf_conv_conformance.records.writer import Recorder

FACTS = {
    "tensorflow": "2.21.0",
    "git_version": "v2.21.0",
    "python": "3.11.7",
    "numpy": "2.4.6",
    "keras": "3.15.1",
    "platform": "linux",
    "machine": "x86_64",
    "cpu": {"name": "A", "flags": ["avx2"]},
    "onednn": False,
    "isa": "avx2",
    "device": "cpu",
    "environment": {},
}
SENTENCES = {"conv2d.input-rank": "A Tensor of rank at least 4."}
CALL = load_text(
    "cases:\n  - {id: x, op: conv2d, input: [1, 6, 6, 1], filter: [2, 2, 1, 1], "
    "strides: 1, padding: SAME, modes: eager}"
).calls[0]
DATA = [asdict(arm) for arm in predict(CALL.arguments).arms]


def subject(sentences=SENTENCES, **facts):
    """A subject line: the one above, but for these facts."""
    described = FACTS | facts
    return {
        "type": "subject",
        "key": subject_key(described),
        "subject": described,
        "sentences": sentences,
    }


def value(shape=(1, 6, 6, 1), verdict="conforms", digest="aa", dtype="float32", warns=(), **others):
    """An end with a value."""
    warnings = [{"category": category, "message": ""} for category in warns]
    observed = {"shape": list(shape), "dtype": dtype}
    if "static" in others:
        observed["static"] = others.pop("static")
    return ended(
        verdict,
        observed=observed,
        digest=digest,
        warnings=warnings,
        difference=None,
        seconds=0.1,
        **others,
    )


def error(name="ValueError", verdict="refused", message="no"):
    """An end with an exception."""
    return ended(verdict, observed={"error": name, "message": message}, digest=None, warnings=[])


def crash(signal="SIGFPE", verdict="crashed"):
    """An end with the process's."""
    return ended(
        verdict,
        observed={"ended": "crashed", "signal": signal, "output": ""},
        digest=None,
        warnings=[],
    )


def late(limit=60.0):
    """An end without an answer in time."""
    return ended(
        "timed out",
        observed={"ended": "timed out", "time_limit": limit, "output": ""},
        digest=None,
        warnings=[],
    )


def failed(**why):
    """An end of the suite's own: by an exit status, a protocol error, or neither."""
    return ended(
        "suite error",
        observed={"ended": "suite error", **why, "output": ""},
        digest=None,
        warnings=[],
    )


def ended(verdict, **fields):
    """An end with just this."""
    return {
        "type": "end",
        "verdict": verdict,
        "reason": f"it {verdict}",
        "rules": [],
        "data": DATA,
    } | fields


UNSUPPORTED = ended("unsupported")


def plan(names, hashes):
    """The plan of these calls: case::name, whose hash is that of the name unless `hashes` says
    another.
    """
    seen = set()
    for name in names:
        case = "cases/" + name.partition("[")[0]
        if case not in seen:
            seen.add(case)
            yield lines.case_line(case, case.partition("::")[0], CALL)
        yield lines.call_line("cases/" + name, case, CALL) | {
            "hash": hashes.get(name, "hash of " + name)
        }


def run(path, ends, on=None, hashes=None, footer=True, whole=None, **header):
    """Write the record file of a run that came to these ends, None for no end, on one subject; read
    it.

    `whole` is how many calls all shards of the run have.
    """
    recorder = Recorder(path, plan(ends, hashes or {}), **header)
    on = on or subject()
    for name, end in ends.items():
        if end is not None:
            recorder.start("cases/" + name)
            recorder.end({"id": "cases/" + name, "subject": on["key"]} | end, on)
    if footer:
        recorder.close(**({} if whole is None else {"whole": whole}))
    return read(path)


def single(name, records):
    """Return the column of a file, partial or not."""
    return sole(name, merge([(name, records)], partial=True))
