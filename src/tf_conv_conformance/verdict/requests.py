"""Make the requests that a call sends to its subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tf_conv_conformance.casefile.call import Call
from tf_conv_conformance.convolution.arguments import Arguments
from tf_conv_conformance.convolution.dtypes import encode
from tf_conv_conformance.convolution.invocation import (
    beside,
    company,
    keywords,
    known_beside,
    signature,
    tensor_names,
)
from tf_conv_conformance.convolution.names import GRAPH_MODES
from tf_conv_conformance.prediction.correlation import Array
from tf_conv_conformance.prediction.predict import Returns, predict
from tf_conv_conformance.prediction.relations import is_across_subjects, others_of
from tf_conv_conformance.subject.request import Request


def requests(call: Call) -> list[Request]:
    """Return the request for a call, and the requests for the other calls of its relation.

    They are for one subject, so a relation across subjects adds none.
    """
    if call.relation is None or is_across_subjects(call.relation):
        return [own_request(call)]
    arms = predict(call.arguments).tensors
    others = others_of(call.relation, call.arguments, call.mode)
    made = [own_request(call)]
    for other in others:
        tensors = [other.tensors(of_arm) for of_arm in arms]
        made.append(request(other.arguments, other.mode, tensors, other.how))
    return made


def own_request(call: Call) -> Request:
    """Return the request for a call with its own data.

    It is `alone`, in no group of calls, if the call is expected to raise or crash: otherwise all
    calls of its group would have to be made again.
    """
    made = request(call.arguments, call.mode, predict(call.arguments).tensors)
    arguments = call.arguments
    is_observed = arguments.in_company or arguments.optimizer or call.case.rewrites
    if call.mode in GRAPH_MODES and is_observed:
        made = replace(made, head={**made.head, "operations": True})
    return replace(made, alone=not _returns(call))


def _returns(call: Call) -> bool:
    if call.value_deviations:
        return all(one.deviation.observed.returns for one in call.value_deviations)
    return isinstance(predict(call.arguments).documented, Returns)


def request(
    arguments: Arguments, mode: str, arms: Sequence[tuple[Array, ...]], how: str | None = None
) -> Request:
    """Return the request for a call with the tensors of each arm, in surroundings if `how` says."""
    dtypes = [arguments.dtype, arguments.filter_dtype or arguments.dtype]
    if arguments.gradient:
        dtypes.append(arguments.dtype)
    dtypes += beside(arguments).values()
    head: dict[str, Any] = {
        "function": arguments.entry_point.symbol,
        "keywords": keywords(arguments),
        "gradient": arguments.gradient,
        "dtypes": dtypes,
        "mode": mode,
        **company(arguments),
    }
    if (names := tensor_names(arguments)) is not None:
        head["tensors"] = names
    optional = {name: getattr(arguments, name) for name in ("through", "optimizer")}
    optional |= {"variables": list(arguments.variables), "how": how}
    head |= {name: value for name, value in optional.items() if value}
    if (shapes := signature(arguments)) is not None:
        others = [tensor.shape for tensor in arms[0][2:]]
        upstream = [list(others.pop(0))] if arguments.gradient else []
        head["signature"] = [*shapes, *upstream, *known_beside(arguments, others)]
    arrays = [
        encode(array, dtype)
        for tensors in arms
        for array, dtype in zip(tensors, dtypes, strict=True)
    ]
    return Request(head, arrays)
