"""What the default cases catch: ``python benchmarks/faults.py run RECORDS.jsonl [--calls N]``, then
``page RECORDS.jsonl …``.

Each fault of tests/faults/catalogue.py is built into a real TensorFlow's worker, and the calls of
cases/ that it alters are made and judged as in a default run: by the same code, in one process; of
many a sample of N (28), spread over case files and modes. Where nothing of it fails, all of them
are made until one does, and then the relations, whose other side may be altered. A fault is caught
where a call fails. ``page`` writes docs/fault-detection.md to standard output. Needs the extra
tensorflow.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter, defaultdict
from itertools import zip_longest
from pathlib import Path
from types import SimpleNamespace

import pytest

from tf_conv_conformance.plugin.items import CallItem
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.prediction.rules.rule import DOCUMENTED_SYMBOLS
from tf_conv_conformance.subject.definition import Definition
from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.verdict.requests import request

ROOT = Path(__file__).parents[1]
FAULTS = ROOT / "tests" / "faults"
sys.path[:0] = [str(FAULTS), str(FAULTS.parent)]

from altering import Invocation  # noqa: E402
from catalogue import CATALOGUE, NONE  # noqa: E402
from fault_page import page  # noqa: E402

from support.performing import perform_all  # noqa: E402

TIME_LIMIT = 60.0
ENDINGS = 6  # calls of a sample that may end the process or hang, which takes seconds each
HANGS = 5.0  # seconds after which such a call counts as hanging
PART = 200  # calls that are made at once where the sample caught nothing


class Calls:
    """A pytest plugin that keeps the calls that are collected, each with its id."""

    def __init__(self):
        self.found = []

    def pytest_collection_finish(self, session):
        for item in session.items:
            if isinstance(item, CallItem):
                self.found.append((item.call_id, item.call))


def collected():
    """All calls of a default run."""
    calls = Calls()
    options = ["--collect-only", "-p", "no:cacheprovider", "-p", "no:terminal"]
    if status := pytest.main([str(ROOT / "cases"), f"--rootdir={ROOT}", *options], [calls]):
        sys.exit(f"the cases cannot be collected: {status!r}")
    return calls.found


def invocation(call):
    """A call as a fault sees it, without its tensors' values."""
    arguments = call.arguments
    shapes = [arguments.input.shape, arguments.filter.shape]
    arms = predict(arguments).tensors if arguments.unknown else []  # for the shape of a gradient
    return Invocation(
        None,
        dict(request(arguments, call.mode, arms).head),
        [SimpleNamespace(shape=shape) for shape in shapes],
        None,
    )


def file_of(identifier):
    return identifier.partition("::")[0]


def spread(calls, count, seed):
    """So many of the calls, in their order, from each case file and mode in turn."""
    by_place = defaultdict(list)
    for number, (identifier, call) in enumerate(calls):
        by_place[file_of(identifier), call.mode].append(number)
    rng = random.Random(seed)
    places = list(by_place.values())
    rng.shuffle(places)
    for numbers in places:
        rng.shuffle(numbers)
    turns = [number for turn in zip_longest(*places) for number in turn if number is not None]
    return [calls[number] for number in sorted(turns[:count])]


def plain(one):
    """Whether a call has no values of its own and nothing but a result to give: the others go first
    where a sample caught nothing.
    """
    call = one[1]
    literal = call.arguments.input.values is not None or call.arguments.filter.values is not None
    observed = [declared.deviation.observed for declared in call.deviations]
    detected = any(one.warning or one.error for one in observed) or (
        call.case.expect is not None and call.case.expect.error is not None
    )
    return not (literal or detected)


def gateway(fault):
    """The worker with a fault; it is not waited for."""
    command = (sys.executable, str(FAULTS / "subject.py"), fault.name)
    return Gateway(
        DOCUMENTED_SYMBOLS,
        HANGS if fault.name == "hang" else TIME_LIMIT,
        Definition("fault", command),
    )


def tried(calls, subject):
    """What becomes of calls: (id, verdict) of each."""
    performed = perform_all([call for _, call in calls], subject)
    return [
        (identifier, one.verdict) for (identifier, _), one in zip(calls, performed, strict=True)
    ]


def until_caught(calls, before, subject):
    """Return the same for more calls, in parts, until one fails."""
    verdicts = []
    while calls and not any(verdict.failing for _, verdict in (*before, *verdicts)):
        verdicts += tried(calls[:PART], subject)
        calls = calls[PART:]
    return verdicts


def measured(fault, calls, subject, count):
    """A record of what the cases make of a fault."""
    began = time.perf_counter()
    altered = [
        (identifier, call)
        for identifier, call in calls
        if fault.alteration.affects(invocation(call))
    ]
    ending = min(count or ENDINGS, ENDINGS) if fault.kind == "process" else count
    verdicts = tried(spread(altered, ending, fault.name) if ending else altered, subject)
    for rest in (
        sorted(altered, key=plain),
        [(identifier, call) for identifier, call in calls if call.relation],
    ):
        made = {identifier for identifier, _ in verdicts}
        verdicts += until_caught([one for one in rest if one[0] not in made], verdicts, subject)
    made = Counter(file_of(identifier) for identifier, _ in verdicts)
    caught = Counter(file_of(identifier) for identifier, verdict in verdicts if verdict.failing)
    first = next(
        ((identifier, verdict.reason) for identifier, verdict in verdicts if verdict.failing), None
    )
    return {
        "fault": fault.name,
        "altered": len(altered),
        "altered_in": len({file_of(identifier) for identifier, _ in altered}),
        "made": len(verdicts),
        "files": {file: [caught[file], made[file]] for file in sorted(made)},
        "verdicts": Counter(verdict.kind for _, verdict in verdicts),
        "first": first,
        "seconds": round(time.perf_counter() - began, 1),
        "tensorflow": {name: subject.subject[name] for name in ("tensorflow", "onednn")},
        "calls": len(calls),
    }


def run(path, names, count):
    """Append a record for each fault; the next worker starts while one is in use."""
    calls = collected()
    faults = [NONE if name == "none" else CATALOGUE[name] for name in names or CATALOGUE]
    subjects = [gateway(faults[0])]
    for number, fault in enumerate(faults):
        subjects += [gateway(following) for following in faults[number + 1 : number + 2]]
        record = measured(fault, calls, subjects[number], count)
        subjects[number].close()
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        caught = sum(count for count, _ in record["files"].values())
        print(
            f"{fault.name}: {caught} of {record['made']} made fail, "
            f"{record['altered']} altered, {record['seconds']} s",
            flush=True,
        )


def by_place(calls):
    """Return how many calls each fault alters, and if TensorFlow's depthwise test makes one."""
    seen = [invocation(call) for _, call in calls]
    altered = {
        name: [one for one in seen if fault.alteration.affects(one)]
        for name, fault in CATALOGUE.items()
    }
    return {
        name: {
            "altered": len(ones),
            "depthwise": any(
                one.symbol == "tf.nn.depthwise_conv2d" and one.mode != "xla" for one in ones
            ),
        }
        for name, ones in altered.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("run", "page"))
    parser.add_argument("records", type=Path, nargs="+")
    parser.add_argument("--calls", type=int, default=28, help="calls of a sample; 0: all")
    parser.add_argument("--faults", default="", help="these alone, with commas between them")
    parser.add_argument("--peer", type=Path, help="the records of benchmarks/peer_tests.py")
    given = parser.parse_args()
    if given.what == "run":
        run(given.records[0], given.faults.split(",") if given.faults else [], given.calls)
    elif given.peer is None:
        parser.error("page: needs --peer, the records of benchmarks/peer_tests.py")
    else:
        print(page(given.records, given.peer, by_place(collected())), end="")


if __name__ == "__main__":
    main()
