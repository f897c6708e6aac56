"""Records as the page reads them."""

from support.observations import end_call
from support.record_files import single
from tf_conv_conformance.records import lines
from tf_conv_conformance.records.reader import read
from tf_conv_conformance.records.writer import Recorder

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202e{{ 7 * 7 }}"


SUBJECT = {
    "tensorflow": "2.21.0",
    "keras": None,
    "git_version": HOSTILE,
    "python": "3.11",
    "numpy": "2",
    "platform": "linux",
    "machine": "x86_64",
    "cpu": {"name": HOSTILE, "flags": []},
    "onednn": None,
    "device": "cpu",
    "environment": {"TF_X": HOSTILE},
}


EXCLUDING = """
defaults: {op: conv2d, modes: eager, padding: VALID, input: {values: [[[[1], [2], [4]]]]}}
cases:
  - id: some
    sweep:
      filter: [{values: [[[[3]], [[5]]]]}, {values: [[[[3]], [[0]]]]}, {values: [[[[0]], [[5]]]]}]
      strides: [1, 0]
  - {id: none, filter: {values: [[[[3]], [[5]]]]}, strides: 0}
"""


def excluding(folder, calls):
    """A page of calls whose data excludes one thing or another: a zero hides the tap that is
    dropped, a stride of 0 is refused.
    """
    from support.observations import raised, returned

    planned = [("f.yaml::" + name, "f.yaml", call) for name, call in calls(EXCLUDING).items()]
    recorder = Recorder(folder / "results.jsonl", lines.plan(planned))
    subject = lines.subject_line(SUBJECT, {})
    for identifier, _, call in planned:
        observation = (
            raised() if "strides0" in call.name or call.case.id == "none" else returned(call)
        )
        end_call(recorder, identifier, call, observation, subject)
    recorder.close()
    return single("results.jsonl", read(recorder.path))
