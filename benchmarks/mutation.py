"""Run the tests on mutants of the modules that decide what is right.

``python benchmarks/mutation.py run SESSION`` judges the mutants of a cosmic-ray session that have
no result. ``cosmic-ray init`` and ``cr-filter-operators`` write the session, which lists the
mutants. cosmic-ray makes each in memory, and the tests run on it in a fork of a process that has
imported everything but the project. So a mutant costs the imports of the project, and the tests up
to the first that fails. No file is changed. A test that starts another Python would not see the
mutant, so none is in TESTS. ``page SESSION`` writes docs/mutation.md to standard output. Needs the
extras test and mutation.
"""

import ast
import gc
import importlib.abc
import importlib.util
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import hypothesis
import jinja2
import pytest
import yaml
from cosmic_ray.config import load_config
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

ROOT = Path(__file__).parents[1]
CONFIG = Path(__file__).with_suffix(".toml")
PACKAGE = ROOT / "src" / "tf_conv_conformance"
MEMORY = 8 * 2**30  # bytes of address space; a MemoryError kills a mutant that needs more
OPTIONS = (
    f"--rootdir={ROOT}",
    "-qx",
    "--tb=line",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:unraisableexception",
)
TESTS = {
    "prediction/rules/conditions.py": ("prediction/conditions", "prediction/rules"),
    "prediction/rules/catalogue.py": ("prediction/rules", "verdict/judge", "verdict/claim"),
    "prediction/rules/page.py": ("prediction/rules",),
    "prediction/rules/preconditions.py": ("prediction/rules", "project/frozen_values"),
    "prediction/rules/rule.py": ("prediction/rules", "project/frozen_values"),
    "prediction/rules/sentences.py": ("prediction/rules",),
    "verdict/judge.py": (
        "verdict/judge",
        "verdict/vacuity",
        "verdict/claim",
        "verdict/deviations",
        "verdict/message",
        "prediction/relations",
        "verdict/static_shapes",
        "verdict/rewrites",
    ),
    "verdict/claim.py": (
        "verdict/claim",
        "verdict/judge",
        "verdict/vacuity",
        "verdict/deviations",
        "project/frozen_values",
    ),
    "verdict/deviations.py": ("verdict/deviations", "verdict/judge", "verdict/message"),
    "convolution/geometry.py": (
        "convolution/geometry",
        "prediction/oracle",
        "prediction/arithmetic",
        "prediction/rules",
        "casefile/scope",
        "prediction/wrong_oracles",
        "project/frozen_values",
    ),
    "prediction/error_bounds.py": ("prediction/error_bounds", "project/frozen_values"),
    "prediction/models.py": (
        "prediction/oracle",
        "casefile/scope",
        "prediction/wrong_oracles",
        "prediction/converted_models",
        "prediction/company",
        "project/frozen_values",
    ),
    "prediction/converted_models.py": ("prediction/converted_models",),
    "prediction/correlation.py": (
        "prediction/correlation",
        "prediction/oracle",
        "prediction/wrong_oracles",
    ),
    "prediction/wrong_oracles.py": (
        "prediction/wrong_oracles",
        "prediction/company",
        "project/frozen_values",
    ),
    "prediction/company.py": ("prediction/company", "prediction/relations"),
    "prediction/wrong_company.py": ("prediction/company",),
    "verdict/rewrites.py": ("verdict/rewrites",),
    "convolution/output_padding.py": ("convolution/output_padding", "prediction/conditions"),
}
"""The modules, and the tests that are run for each, in this order."""
KEEPING = ("lru_cache", "cache")
"""Decorators that keep the results of pure functions, which changes only speed and memory."""
SPEED = ("SMALL", "BLOCK", "RUN", "STRIP")
"""Constants of prediction/correlation.py that choose between ways to the same sums; its tests force
each way.
"""
THIRD_PARTY = (
    "cachetools",
    "numpy",
    "packaging.specifiers",
    "pydantic",
    "regex",
    "scipy.signal",
    "yaml",
)
OURS = "tf_conv_conformance.casefile.diagnostic"
"""Imports no module that is mutated."""
WHY = CONFIG.with_name("mutation_survivors.yaml")
PAGE = CONFIG.with_name("mutation_page.md.jinja")


def test_file(name: str) -> Path:
    """Return the file of a name in `TESTS`."""
    package, _, module = name.partition("/")
    return ROOT / "tests" / package / f"test_{module}.py"


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module, and its source is this."""

    def __init__(self, name, source):
        self.name, self.source = name, source

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def get_source(self, name):
        return self.source


class WithoutTensorFlow:
    """A pytest plugin that leaves out the tests with TensorFlow.

    They compare phrases with the documentation, and no string is mutated.
    """

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if "tensorflow" not in item.fixturenames]


def program(source):
    """Return what determines the results of a module.

    Annotations, the decorators of caches, and the numbers that choose between ways to the same
    result are left out.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if hasattr(node, name):
                setattr(node, name, None)
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = [
                one for one in node.decorator_list if not ast.unparse(one).startswith(KEEPING)
            ]
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in SPEED)
    ]
    return ast.dump(tree)


def name_of(module):
    """Return the name under which Python imports a path within the package."""
    return ".".join((PACKAGE.name, *Path(module).with_suffix("").parts))


def module_of(item):
    """Return the path within the package of the module that a work item mutates."""
    return str((ROOT / item.mutations[0].module_path).relative_to(PACKAGE))


def tested(module, source, output):
    """Run the tests on a project with this source of a module; ends the process with pytest's
    status.
    """
    os.setsid()
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.meta_path.insert(0, Mutated(name_of(module), source))
    files = [str(test_file(name)) for name in TESTS[module]]
    status = 3
    try:
        status = pytest.main([*OPTIONS, *files], [WithoutTensorFlow()])
    finally:
        sys.stdout.flush()
        os._exit(status)


def outcome(module, source, time_limit):
    """Run the tests on a source.

    Return pytest's status, None if they do not end in time, and the last line about a failure.
    """
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            tested(module, source, output)
        watched = os.pidfd_open(child)
        ended, _, _ = select.select([watched], [], [], time_limit)
        os.close(watched)
        if not ended:
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        output.seek(0)
        lines = [
            line
            for line in output.read().decode(errors="replace").splitlines()
            if line.startswith(("FAILED", "ERROR"))
        ]
    return (status if ended else None), (lines or ["no test failed"])[-1]


def judged(mutation, time_limit):
    """Return the result of one mutant."""
    path = ROOT / mutation.module_path
    before = path.read_text(encoding="utf-8")
    after = mutate_code(
        before, get_operator(mutation.operator_name)(**mutation.operator_args), mutation.occurrence
    )
    try:
        if program(after) == program(before):
            return WorkResult(WorkerOutcome.SKIPPED, "an annotation, or only speed")
    except SyntaxError as error:
        return WorkResult(WorkerOutcome.SKIPPED, f"no Python: {error.msg}")
    status, failure = outcome(str(path.relative_to(PACKAGE)), after, time_limit)
    if status is None:
        return WorkResult(WorkerOutcome.NORMAL, "timeout", TestOutcome.KILLED)
    return WorkResult(
        WorkerOutcome.NORMAL, failure, TestOutcome.KILLED if status else TestOutcome.SURVIVED
    )


def prepare():
    """Import what does not change, so that no fork has to.

    Hypothesis draws the same examples for every mutant, and does not reduce them.
    """
    for name in THIRD_PARTY:
        importlib.import_module(name)
    hypothesis.settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )
    hypothesis.settings.load_profile("mutation")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ["PYTHONPATH"] = str(PACKAGE.parent)
    sys.path.insert(0, str(PACKAGE.parent))
    sys.dont_write_bytecode = False
    importlib.import_module(OURS)
    assert not [module for module in TESTS if name_of(module) in sys.modules]
    gc.collect()
    gc.freeze()


def run(session):
    """Judge the mutants without a result.

    First check that the tests pass without a mutant, and fail without the module.
    """
    prepare()
    limit = load_config(CONFIG).timeout
    for module in TESTS:
        began = time.monotonic()
        status, failure = outcome(module, (PACKAGE / module).read_text(encoding="utf-8"), limit)
        if status != 0 or outcome(module, "raise RuntimeError", limit)[0] == 0:
            sys.exit(
                f"{module}: the tests pass without it"
                if status == 0
                else f"{module}: {failure} without a mutant, or they do not end in {limit} s"
            )
        print(f"{module}: all tests take {time.monotonic() - began:.1f} s", flush=True)
    with use_db(str(session), WorkDB.Mode.open) as database:
        order = list(TESTS)
        pending = sorted(
            database.pending_work_items,
            key=lambda item: (order.index(module_of(item)), item.mutations[0].start_pos),
        )
        for number, item in enumerate(pending, 1):
            (mutation,) = item.mutations
            result = judged(mutation, limit)
            database.set_result(item.job_id, result)
            if result.test_outcome is TestOutcome.SURVIVED or number % 50 == 0:
                operator = mutation.operator_name.removeprefix("core/")
                where = f"{mutation.module_path}:{mutation.start_pos[0]} {operator}"
                ending = result.test_outcome or result.worker_outcome
                print(
                    f"{number} of {len(pending)}: {where}: {ending}: {result.output}",
                    flush=True,
                )


def reason(item, line, reasons):
    """Return why a mutant survives, by its module, line and operator, if a reason is given."""
    operator = item.mutations[0].operator_name
    for one in reasons:
        if (
            one["module"] == module_of(item)
            and one["code"] in line
            and operator.endswith(tuple(one["operators"]))
        ):
            return one["why"]
    return None


def page(session):
    """Return the Markdown of docs/mutation.md, and the number of survivors without a reason."""
    reasons = yaml.safe_load(WHY.read_text(encoding="utf-8"))
    with use_db(str(session), WorkDB.Mode.open) as database:
        items, results = list(database.work_items), dict(database.results)
    counts, survivors = {module: Counter() for module in TESTS}, []
    for item in sorted(
        items, key=lambda one: (list(TESTS).index(module_of(one)), one.mutations[0].start_pos)
    ):
        (mutation,), result = item.mutations, results.get(item.job_id)
        if result is not None and result.worker_outcome is WorkerOutcome.SKIPPED:
            continue
        kind = (
            "pending"
            if result is None
            else "timeout"
            if result.output == "timeout"
            else result.test_outcome.value
        )
        counts[module_of(item)][kind] += 1
        if kind == "survived":
            (row, start), (_, end) = mutation.start_pos, mutation.end_pos
            line = (ROOT / mutation.module_path).read_text(encoding="utf-8").splitlines()[row - 1]
            marked = f"{line[:start].lstrip()}⟦{line[start:end]}⟧{line[end:]}".replace("|", "\\|")
            name = mutation.operator_name.removeprefix("core/")
            survivors.append((module_of(item), row, marked, name, reason(item, line, reasons)))
    template = jinja2.Template(
        PAGE.read_text(encoding="utf-8"), trim_blocks=True, keep_trailing_newline=True
    )
    whole = sum((count for count in counts.values() if not count["pending"]), Counter())
    pending = sum(count["pending"] for count in counts.values())
    text = template.render(
        rows=[*counts.items(), ("all complete ones", whole)],
        pending=pending,
        survivors=survivors,
        version=version("cosmic-ray"),
    )
    return text, len([one for one in survivors if one[-1] is None])


def main():
    what, session = sys.argv[1:]
    if what == "run":
        run(Path(session))
    else:
        text, unexplained = page(Path(session))
        print(text, end="")
        if unexplained:
            sys.exit(f"{unexplained} survivors have no reason in {WHY.name}")


if __name__ == "__main__":
    main()
