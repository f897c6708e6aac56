"""The shipped cases ask what they say they ask."""

import pytest

from tf_conv_conformance.casefile.loading import load, load_text
from tf_conv_conformance.prediction.models import PHASE_STRIDED
from tf_conv_conformance.prediction.predict import predict
from tf_conv_conformance.records.lines import YAML_LIMIT, case_line


@pytest.fixture(scope="module")
def calls(repository):
    """Every shipped call by its id."""
    files = sorted((repository / "cases").rglob("*.yaml"))
    return {
        f"{path.relative_to(repository)}::{call.name}": call
        for path in files
        for call in load(path).calls
    }


def test_the_blogs_four_calls(calls):
    blog = {name.partition("::")[2]: call for name, call in calls.items() if "blog.yaml" in name}
    assert predict(blog["conv2d-stride4-rate3[eager]"].arguments).documented.shape == (1, 4, 4, 4)
    assert predict(blog["depthwise-stride1-rate3[eager]"].arguments).documented.shape == (
        1,
        15,
        15,
        12,
    )
    atrous = blog["depthwise-stride4-rate3[xla]"]
    assert predict(atrous.arguments).documented.because == ("depthwise.unit-strides-when-atrous",)
    assert predict(atrous.arguments).outcome(PHASE_STRIDED).shape == (1, 6, 6, 12)
    assert [declared.deviation.observed.warning for declared in atrous.deviations] == [
        None,
        "UserWarning",
    ]


def test_the_sweep_is_whole(calls):
    """Strides 1 to 4 × rates 1 to 4, equal and unequal × three paddings × several sizes × both
    operators × three modes.
    """
    swept = [call.arguments for name, call in calls.items() if "sweep.yaml" in name]
    rates = {arguments.dilations for arguments in swept if arguments.op == "depthwise_conv2d"}
    assert {(1, 1), (2, 2), (3, 3), (4, 4), (3, 2), (2, 4)} <= rates
    assert len({arguments.input for arguments in swept}) >= 3
    assert len(swept) >= 2 * 3 * 4 * 10 * 3 * 3


def test_every_rule_about_arguments_is_kept_and_broken_somewhere(calls):
    from tf_conv_conformance.prediction.rules.catalogue import RULES, broken, exercised

    distinct = {call.arguments for call in calls.values()}
    exercised_rules = {rule.id for arguments in distinct for rule in exercised(arguments)}
    broken_rules = {rule.id for arguments in distinct for rule in broken(arguments)}
    assert exercised_rules == RULES.keys()
    permissions = {rule for rule in RULES if rule.endswith(".unequal-strides")}
    assert {
        rule.id for rule in RULES.values() if rule.is_precondition
    } - permissions - broken_rules == set()


def test_every_deviation_is_reported_or_says_that_it_is_not(calls):
    found = {declared.deviation.reported for call in calls.values() for declared in call.deviations}
    assert "unreported" in found
    assert "https://github.com/tensorflow/tensorflow/issues/100237" in found


def test_the_case_of_a_record_makes_the_same_calls_without_its_file(calls):
    """The page copies it into a report: with the defaults of its file, and without aliases."""
    whole, cut = {}, []
    for identifier, call in calls.items():
        file, _, name = identifier.partition("::")
        whole.setdefault((file, call.case.id), {})[name] = call
    for (file, _), own in whole.items():
        text = case_line("key", file, next(iter(own.values())))["yaml"]
        if len(text) >= YAML_LIMIT:
            cut.append(text)
            continue
        loaded = load_text(text)
        assert [one.message for one in loaded.diagnostics] == [], text
        hashes = {call.name: call.content_hash for call in loaded.calls}
        assert hashes == {name: call.content_hash for name, call in own.items()}, text
    assert len(cut) < len(whole) / 100
