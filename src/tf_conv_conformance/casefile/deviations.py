"""Find the deviations of a case that apply to a call, and check them."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Sequence, Set
from dataclasses import replace

from tf_conv_conformance.casefile.advice import near
from tf_conv_conformance.casefile.call import AppliedDeviation, Call, model_of
from tf_conv_conformance.casefile.diagnostic import CaseError, Keys, quote
from tf_conv_conformance.casefile.expansion import Expanded
from tf_conv_conformance.casefile.expectations import Deviation, Observed
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.names import CONVERTED_MODES, Mode
from tf_conv_conformance.convolution.static_shape import StaticShape
from tf_conv_conformance.prediction.converted_models import ALL_MODELS, reads_alike
from tf_conv_conformance.prediction.models import DOCUMENTED
from tf_conv_conformance.prediction.predict import Outcome, Refuses, Returns, predict
from tf_conv_conformance.prediction.rules.catalogue import RULES, broken, exercised
from tf_conv_conformance.prediction.static_shape import static_shape

STATIC_RULES = tuple(rule for rule in RULES.values() if rule.knows)
RULES_SHOWN = 3  # of those that the calls of a case can break


def check_deviation(deviation: Deviation, keys: Keys) -> None:
    """Refuse a deviation with an unknown rule, or an expired one. Raises :class:`CaseError`."""
    if deviation.rule not in RULES:
        meant = near(deviation.rule, list(RULES))
        hint = (
            "`tf-conv-conformance rules` lists them"
            if meant is None
            else f"did you mean {meant!r}?"
        )
        raise CaseError((*keys, "rule"), f"there is no rule {quote(deviation.rule)}; {hint}")
    if deviation.observed.is_static != (RULES[deviation.rule] in STATIC_RULES):
        rules = ", ".join(rule.id for rule in STATIC_RULES)
        message = f"`unknown` and `static` are for static shapes, with one of the rules {rules}"
        if not deviation.observed.is_static:
            message = (
                f"{deviation.rule} needs `unknown` or `static`, since it is about static shapes"
            )
        raise CaseError((*keys, "observed"), message)
    expires = deviation.expires
    if expires and datetime.date.fromisoformat(expires) < datetime.date.today():
        advice = "review it, then change the date or delete the deviation"
        raise CaseError((*keys, "expires"), f"expired on {expires}: {advice}")


def applied(
    deviation: Deviation, expanded: Expanded, at_stake: frozenset[str], keys: Keys
) -> AppliedDeviation | None:
    """Return a deviation with its arguments for a call; None if it does not apply to the call.

    It applies if `where` selects the call, its rule is one of those `at_stake`, and it declares
    something other than the documentation. Raises :class:`CaseError` if that is impossible.
    """
    arguments, observed = expanded.arguments, deviation.observed
    if deviation.rule not in at_stake or not expanded.is_among(deviation.where):
        return None
    stands_for = expanded.as_if(observed.as_if) if observed.as_if else arguments
    if observed.is_static:
        knows = str(RULES[deviation.rule].knows)
        declared = declared_static(observed, arguments, knows)
        is_predicted = declared == predicted_static(arguments, knows)
        return None if is_predicted else AppliedDeviation(deviation, arguments)
    if _is_documented(observed, stands_for, arguments):
        return None
    _check_observed(observed, stands_for, (*keys, "observed"))
    return AppliedDeviation(deviation, stands_for)


def check_all_apply(deviations: Sequence[Deviation], calls: Sequence[Call]) -> None:
    """Refuse a deviation that applies to none of these calls. Raises :class:`CaseError`."""
    left = dict(enumerate(deviations))
    at_stake: set[str] = set()
    for call in calls:
        if not left:
            return
        at_stake |= rules_at_stake(call.arguments)
        matched = [id(one.deviation) for one in call.deviations]
        left = {index: one for index, one in left.items() if id(one) not in matched}
    modes = {call.mode for call in calls}
    for index, deviation in left.items():
        raise CaseError(("deviations", index), _why_unmatched(deviation, at_stake, modes))


def _why_unmatched(deviation: Deviation, at_stake: Set[str], modes: Set[Mode]) -> str:
    rule, converted = deviation.rule, sorted(modes & set(CONVERTED_MODES))
    if rule in at_stake and converted and deviation.when.modes is None:
        advice = f"for a converted model, write `when: {{modes: [{', '.join(converted)}]}}`"
        return f"matches no call: without `modes`, it is about TensorFlow itself; {advice}"
    if rule in at_stake:
        why = "`when` and `where` exclude every call, or it declares what is documented"
        return f"matches no call: {why}"
    nearest = sorted(at_stake, key=lambda other: (-_likeness(rule, other), other))[:RULES_SHOWN]
    others = ", ".join(nearest)
    if (more := len(at_stake) - len(nearest)) > 0:
        others += f" and {more} more; `tf-conv-conformance rules` lists all"
    return f"matches no call: no call of this case can break {rule}, but only {others}"


def _likeness(rule: str, other: str) -> float:
    return difflib.SequenceMatcher(None, rule, other).ratio()


def rules_at_stake(arguments: Arguments) -> frozenset[str]:
    """Return the ids of the rules that a call breaks, or else of those that it exercises.

    Rules about static shapes are among them in any case, since TensorFlow may accept the call.
    """
    about_results = broken(arguments) or exercised(arguments)
    about_shapes = (rule for rule in exercised(arguments) if rule.knows)
    return frozenset(rule.id for rule in (*about_results, *about_shapes))


def predicted_static(arguments: Arguments, knows: str) -> StaticShape | None:
    """Return what can be known of the documented result; None if there is no such result.

    `knows` is who knows it. A Keras layer does not know the batch.
    """
    if isinstance(predict(arguments).documented, Refuses):
        return None
    return static_shape(arguments, () if knows == "static" else ("batch",))


def declared_static(observed: Observed, arguments: Arguments, knows: str) -> StaticShape | None:
    """Return the static shape that a deviation declares; None if the call has no result."""
    if observed.static is not None:
        return StaticShape.of(observed.static_sizes)
    if (predicted := predicted_static(arguments, knows)) is None:
        return None
    return static_shape(arguments, observed.unknown or ()).limited_to(predicted)


def _declared_outcome(observed: Observed, stands_for: Arguments) -> Outcome | None:
    """Return the declared outcome; None for a crash, a time-out, or a result without a model."""
    if observed.error is not None:
        return Refuses(tuple(observed.error))
    model = model_of(observed)
    return None if model is None else predict(stands_for).outcome(model)


def _is_documented(observed: Observed, stands_for: Arguments, arguments: Arguments) -> bool:
    """Return whether the documentation says the same: both refuse, or both read the same input."""
    documented = predict(arguments).documented
    declared = _declared_outcome(observed, stands_for)
    if isinstance(documented, Refuses):
        return isinstance(declared, Refuses)
    model = model_of(observed)
    if model is None or declared != documented:
        return False
    if replace(model, truncates_sizes=False) != ALL_MODELS[model.name]:
        return False
    return reads_alike(DOCUMENTED, model, arguments, stands_for)


def _check_observed(observed: Observed, stands_for: Arguments, keys: Keys) -> None:
    """Refuse a deviation whose model has no result, or a shape that differs from the declared."""
    outcome = _declared_outcome(observed, stands_for)
    if observed.model is not None and isinstance(outcome, Refuses):
        reason = f"{observed.model} has no result for this call: {outcome.because[0]}"
        raise CaseError((*keys, "model"), reason)
    if observed.shape is None or not isinstance(outcome, Returns):
        return
    if tuple(observed.shape) != outcome.shape:
        computed = f"what {observed.model} computes, which is {list(outcome.shape)}"
        raise CaseError((*keys, "shape"), f"{observed.shape} is not {computed}")
