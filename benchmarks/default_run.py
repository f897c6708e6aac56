"""What the default run costs: ``python benchmarks/default_run.py [PAGE] [--against COMMIT]``.

The shipped cases are run with ``-n 2`` and in one process; with a commit named, also with ``-n 2``
at that commit, its own cases with its own suite, in a working tree of its own. They take turns.

Then the shipped cases are collected and no call is made, as they are and with ``--tf-exhaustive``,
by one process and by two: the wall clock until the first test could start, the processor, and the
memory of the largest of those that collect. TensorFlow starts meanwhile. Needs the extra
tensorflow.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import measure
from section import parser, publish, spread, table

ROOT = Path(__file__).parents[1]
ENDS = {"one process": [], "`-n 2`": ["-n", "2"]}
WHOLE = "--tf-exhaustive"
FAILED = (0, 1)  # exit statuses: whether a call fails does not matter here
HEAD = ("calls", "wall clock, s", "processor, s", "a call, ms", "`-n 2` to this, a call")


def environment(tree):
    return {
        **measure.ALONE,
        "PYTHONPATH": os.pathsep.join([str(tree / "src"), str(ROOT / "benchmarks")]),
    }


@contextmanager
def working_tree(commit):
    """The files of a commit, in a folder that is removed in the end."""
    git = ["git", "-C", str(ROOT), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        subprocess.run([*git, "add", "--detach", str(tree), commit], check=True, stdout=sys.stderr)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def run(tree, options):
    """What a run of a tree's cases costs, and how many calls it makes."""
    with tempfile.TemporaryDirectory() as reports:
        cost = measure.run(
            [*measure.SUITE, "cases", f"--tf-reports={reports}", *options],
            tree,
            environment(tree),
            FAILED,
        )
        lines = Path(reports, "results.jsonl").read_text(encoding="utf-8").splitlines()
    calls = json.loads(lines[-1])["ended"]
    print(f"{calls:,} calls, {options}: {cost.processor:.1f} s, {cost.wall:.1f} s", flush=True)
    return cost, calls


def made(commit, runs):
    """The table of runs."""
    kinds = {name: (ROOT, options) for name, options in ENDS.items()}
    with tempfile.TemporaryDirectory() if commit is None else working_tree(commit) as tree:
        if commit is not None:
            kinds[f"`-n 2` at commit {commit}"] = (tree, ENDS["`-n 2`"])
        costs = {name: [] for name in kinds}
        for _ in range(runs):
            for name, kind in kinds.items():
                costs[name].append(run(*kind))
    what = f"the shipped cases, mean (least to most) of {runs} runs"
    return table((what, *HEAD), rows(costs))


def rows(costs):
    """Return a row for each kind of run; `costs` has those of its turns, with the calls made."""
    each = {name: [1000 * cost.processor / n for cost, n in turns] for name, turns in costs.items()}
    for name, turns in costs.items():
        ratios = [own / peer for own, peer in zip(each["`-n 2`"], each[name], strict=True)]
        wall = spread([cost.wall for cost, _ in turns], ".0f")
        seconds = spread([cost.processor for cost, _ in turns], ".0f")
        yield name, f"{turns[0][1]:,}", wall, seconds, spread(each[name], ".1f"), spread(ratios)


def collection(options):
    """The cells of a collection with these options."""
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder, "notes")
        command = [*measure.SUITE, "-p", "collecting", "cases", f"--tf-reports={folder}", *options]
        began = time.time()
        cost = measure.run(command, ROOT, {**environment(ROOT), "COLLECTED": str(notes)}, (2,))
        found = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    wall, memory = (max(note[what] for note in found) for what in ("at", "memory"))
    calls = f"{found[-1]['calls']:,}"
    return calls, f"{wall - began:.1f}", f"{cost.processor:.1f}", f"{memory:.0f}"


def collected():
    """The table of collections."""
    head = ("collected", "calls", "wall clock, s", "processor, s", "memory of a process, MB")
    kinds = dict(ENDS)
    kinds |= {f"{name}, `{WHOLE}`": [WHOLE, *options] for name, options in ENDS.items()}
    return table(head, [(name, *collection(options)) for name, options in kinds.items()])


def main():
    options = parser(__doc__)
    options.add_argument("--against", metavar="COMMIT")
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    publish(__file__, [made(given.against, given.runs), collected()], given.page)


if __name__ == "__main__":
    main()
