"""What is said twice about continuous integration agrees, and what it installs and may do is
bounded.
"""

import configparser
import itertools
import re

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

MINORS = [f"2.{minor}" for minor in range(12, 22)]
ENVIRONMENTS = [*(f"tf{minor}" for minor in MINORS), "tfnightly"]
LOCKS = {"audit.txt", "docs.txt", "lint.txt", "tests.txt", "tox.txt"}


@pytest.fixture(scope="module")
def text(repository):
    return (repository / ".github/workflows/ci.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workflow(text):
    return yaml.safe_load(text)


@pytest.fixture(scope="module")
def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.fixture(scope="module")
def tox(repository):
    """The sections of tox.ini; that of the versions under the name ``versions``, and its
    environments as ``names``.
    """
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(repository / "tox.ini", encoding="utf-8")
    (name,) = [section for section in parser.sections() if section.startswith("testenv:tf")]
    return {**parser, "versions": parser[name], "names": expanded(name.removeprefix("testenv:"))}


def expanded(name):
    """``tf{2.12,nightly}`` → the names that tox makes of it."""
    parts = [
        part[1:-1].split(",") if part.startswith("{") else [part]
        for part in re.split(r"(\{.*?\})", name)
    ]
    return ["".join(chosen) for chosen in itertools.product(*parts)]


def lines(value):
    return [line for line in value.splitlines() if line and not line.startswith("#")]


def of_environment(tox, name):
    """What tox installs in one of the versions' environments, by the project's name."""
    conditions = [line.split(": ") for line in lines(tox["versions"]["deps"])]
    requirements = [
        Requirement(wanted) for factors, wanted in conditions if name in expanded(factors)
    ]
    assert len({wanted.name for wanted in requirements}) == len(requirements)
    return {wanted.name: str(wanted.specifier) for wanted in requirements}


def locked(repository, name):
    """The requirements of a lock file, each with its hashes."""
    entries = re.sub(
        r"^\s*#.*\n",
        "",
        (repository / "requirements" / name).read_text(encoding="utf-8"),
        flags=re.M,
    )
    entries = re.sub(r"\\\n\s*", "", entries).splitlines()
    return [
        (Requirement(entry.partition(" --hash")[0]), re.findall(r"--hash=(\S+)", entry))
        for entry in entries
    ]


def test_every_action_is_pinned_by_a_commit_and_says_its_version(text, steps):
    used = re.findall(r"\buses:(.*)", text)
    assert len(used) == len([step for step in steps if "uses" in step]) > 0
    assert [
        each
        for each in used
        if not re.fullmatch(r" [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)
    ] == []
    assert len(set(used)) == len({each.partition("@")[0] for each in used}), (
        "one action at two versions"
    )


def test_the_workflow_may_do_no_more_than_it_needs(workflow, steps):
    assert workflow["permissions"] == {"contents": "read"}
    granted = {
        name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job
    }
    assert granted == {"nightly": {"contents": "read", "actions": "read"}}
    assert "pull_request_target" not in workflow[True]  # YAML 1.1 reads `on` as a truth value
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == len(workflow["jobs"])
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_expression_becomes_part_of_a_script(steps):
    scripts = [step["run"] for step in steps if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_every_job_has_a_time_limit_and_a_new_push_replaces_the_run_of_the_last(workflow):
    assert [
        name
        for name, job in workflow["jobs"].items()
        if not 0 < job.get("timeout-minutes", 0) <= 60
    ] == []
    assert "pull_request" in workflow["concurrency"]["cancel-in-progress"]


def test_everything_installed_is_locked(steps):
    installs = [
        line for step in steps for line in step.get("run", "").splitlines() if "pip install" in line
    ]
    wanted = [
        re.fullmatch(r"\s*pip install --require-hashes -r requirements/(\w+\.txt)", line)
        for line in installs
    ]
    assert {match[1] for match in wanted if match} == LOCKS
    others = [line.strip() for line, match in zip(installs, wanted, strict=True) if not match]
    assert set(others) == {"pip install --no-deps --no-build-isolation -e ."}


def test_tox_its_label_and_the_workflow_name_the_same_versions(tox, workflow):
    assert tox["names"] == ENVIRONMENTS
    ((label, named),) = [line.split(" = ") for line in lines(tox["tox"]["labels"])]
    assert (label, named.split(", ")) == ("versions", ENVIRONMENTS)
    assert workflow["jobs"]["versions"]["strategy"]["matrix"]["environment"] == ENVIRONMENTS
    assert workflow["jobs"]["versions"]["strategy"]["fail-fast"] is False


@pytest.mark.parametrize("minor", MINORS)
def test_each_version_is_pinned_with_what_it_is_built_against(tox, minor):
    installed = of_environment(tox, f"tf{minor}")
    assert installed["tensorflow"].startswith(f"=={minor}.")
    assert {"numpy", "protobuf", "keras"} <= installed.keys()
    assert [
        name
        for name, specifier in installed.items()
        if not re.fullmatch(r"==\d+(\.\d+)+", specifier)
    ] == []


def test_the_nightly_is_the_newest_there_is_on_pinned_libraries(tox):
    installed = of_environment(tox, "tfnightly")
    assert installed.keys() == {"tf-nightly", "numpy", "protobuf"}
    assert [name for name, specifier in installed.items() if not specifier] == ["tf-nightly"]


def test_every_condition_of_tox_names_an_environment(tox):
    named = [
        name for line in lines(tox["versions"]["deps"]) for name in expanded(line.split(": ")[0])
    ]
    assert set(named) == set(ENVIRONMENTS)


def test_the_versions_are_run_on_both_subjects_and_apart_from_each_other(tox):
    command = tox["versions"]["commands"]
    assert re.findall(r'--tf-subject "(.*?)"', command) == [
        "off = TF_ENABLE_ONEDNN_OPTS=0",
        "on = TF_ENABLE_ONEDNN_OPTS=1",
    ]
    assert "--tf-reports reports/{env_name} " in command
    assert "--basetemp={env_tmp_dir}/" in command


def test_the_records_that_are_kept_are_those_that_tox_wrote(workflow):
    (kept,) = [
        step["with"]
        for step in workflow["jobs"]["versions"]["steps"]
        if "upload-artifact" in step.get("uses", "")
    ]
    assert (kept["name"], kept["path"]) == (
        "${{ matrix.environment }}",
        "reports/${{ matrix.environment }}/",
    )
    (fetched,) = [
        step["with"]
        for step in workflow["jobs"]["report"]["steps"]
        if "download-artifact" in step.get("uses", "")
    ]
    assert fetched["pattern"] == "tf*"
    assert (
        workflow["jobs"]["report"]["if"] == "${{ !cancelled() }}"
    )  # also when a version has failed
    assert workflow["jobs"]["report"]["needs"] == "versions"


def test_there_are_no_other_locks(repository):
    assert {path.name for path in (repository / "requirements").glob("*.txt")} == LOCKS


@pytest.mark.parametrize("name", sorted(LOCKS))
def test_a_lock_pins_by_hash_and_names_no_host_and_no_folder(repository, name):
    entries = locked(repository, name)
    assert entries
    for wanted, hashes in entries:
        assert re.fullmatch(r"==[\w.+!]+", str(wanted.specifier)), wanted
        assert wanted.url is None
        assert hashes, f"{wanted} has no hash; run: tox -e lock"
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", digest) for digest in hashes)
    content = (repository / "requirements" / name).read_text(encoding="utf-8")
    assert "tox -e lock" in content.partition("\n\n")[0]
    assert re.findall(r"://|--(?:extra-)?index|--find-links|(?<![\w.])/\w+", content) == []


@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("docs.txt", ["docs", "package"]),
        ("lint.txt", ["lint"]),
        ("tests.txt", ["tensorflow", "test"]),
    ],
)
@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_a_lock_has_all_that_pyproject_asks_for(repository, name, extras, python):
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has none")
    with (repository / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)
    optional = wanted["project"]["optional-dependencies"]
    required = [
        *wanted["build-system"]["requires"],
        *wanted["project"]["dependencies"],
        *(line for extra in extras for line in optional[extra]),
    ]
    there = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
    }
    pinned = {}
    for entry, _ in locked(repository, name):
        if entry.marker is None or entry.marker.evaluate(there):
            assert entry.name not in pinned, f"two versions of {entry.name} for Python {python}"
            pinned[entry.name] = str(entry.specifier).removeprefix("==")
    for requirement in map(Requirement, required):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in requirements/{name}; run: tox -e lock"
        assert requirement.specifier.contains(version), (
            f"{requirement}, and requirements/{name} has {version}; run: tox -e lock"
        )


def test_tox_leaves_the_folder_of_the_readme_alone(repository, tox):
    """A tox that points editors to its environment writes a file .venv, and then no environment can
    be made there.
    """
    assert "python3 -m venv .venv " in (repository / "README.md").read_text(encoding="utf-8")
    assert tox["tox"]["venv_redirect"] == "false"


def test_the_page_on_ci_has_each_job(repository, workflow):
    page = (repository / "docs/ci.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, flags=re.M) == list(workflow["jobs"])


def test_an_audit_that_could_not_look_fails(steps):
    (script,) = [step["run"] for step in steps if "pip-audit" in step.get("run", "")]
    assert "--strict" in script


def test_the_page_on_ci_runs_every_part_and_fetches_what_they_kept(repository):
    page = (repository / "docs/ci.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.S)
    jobs = yaml.safe_load(block)
    ((name, parts),) = jobs["cases"]["strategy"]["matrix"].items()
    (command,) = [step["run"] for step in jobs["cases"]["steps"] if "run" in step]
    splits, group = re.search(r"--splits (\S+) --group (.+)", command).groups()
    assert parts == list(range(1, int(splits) + 1))
    assert group == f"${{{{ matrix.{name} }}}}"
    (kept,) = [
        step["with"] for step in jobs["cases"]["steps"] if "upload-artifact" in step.get("uses", "")
    ]
    (fetched,) = [
        step["with"]
        for step in jobs["report"]["steps"]
        if "download-artifact" in step.get("uses", "")
    ]
    assert (kept["name"].replace(group, "*"), kept["path"]) == (fetched["pattern"], "reports/")
    for step in jobs["report"]["steps"]:
        if "run" in step:
            assert step["run"].split()[:3] in (
                ["tf-conv-conformance", verb, fetched["path"]]
                for verb in ("report", "summary", "merge")
            )
