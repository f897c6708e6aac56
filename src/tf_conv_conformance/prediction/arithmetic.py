"""Write out the arithmetic of an axis as a person would: formula, numbers, result.

Paddings, phases and sizes come from :mod:`geometry`. This module only writes the steps between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tf_conv_conformance.convolution.arguments import Arguments, Interpretation
from tf_conv_conformance.convolution.geometry import Axis, documented_size, phases, same_total
from tf_conv_conformance.prediction.layout import interpretation_of
from tf_conv_conformance.prediction.models import Model


def axes_of(interpretation: Interpretation) -> dict[str, Axis]:
    """Return the axes by name. If they are equal, they share one name."""
    if interpretation.dimensions == 1:
        return {"width": interpretation.width}
    if interpretation.height == interpretation.width:
        return {"height and width": interpretation.height}
    return {"height": interpretation.height, "width": interpretation.width}


def sizes(arguments: Arguments, models: Sequence[Model]) -> Iterator[tuple[str, str]]:
    """Yield how each model computes the sizes. The first line of each axis has its name."""
    names = axes_of(interpretation_of(arguments))
    by_model = [(model, model.interpretation(arguments).axes) for model in models]
    for number, axis_name in enumerate(names, start=-len(names)):
        name = "size" if len(names) == 1 else axis_name
        for model, axes in by_model:
            for line in steps(model, axes[number]):
                if line.startswith(("m = ", "out = ")):
                    yield name, f"{line.partition(': ')[0]}, {model.name.replace('_', '-')}"
                    name = ""


def steps(model: Model, axis: Axis) -> tuple[str, ...]:
    """Return how a model computes padding and output size, with a line for each step.

    The line of the size begins with ``out =``.
    """
    padding: object = axis.padding
    if isinstance(axis.padding, tuple):
        padding = f"{axis.padding[0]} before and {axis.padding[1]} after"
    sizes = f"input size n = {axis.size}, filter size k = {axis.filter}"
    first = f"{sizes}, stride s = {axis.stride}, rate r = {axis.rate}, padding {padding}"
    written = _phase_strided if model.name == "phase_strided" else _documented
    return first, *written(model, axis)


def _documented(model: Model, axis: Axis) -> Iterator[str]:
    n, k, s, r = axis.size, axis.filter, axis.stride, axis.rate
    if axis.padding == "SAME":
        yield f"out = ceil(n / s) = ceil({n} / {s}) = {_result(model, axis)}"
        yield from _same(model, axis)
        return
    yield from _padded(model, axis)
    n += sum(model.padding(axis))
    if model.truncates_sizes:
        formula = "trunc((n - (k-1)*r - 1 + s) / s)"
        filled = f"trunc(({n} - ({k}-1)*{r} - 1 + {s}) / {s})"
        last = f"trunc({n - axis.dilated_filter + s} / {s})"
    else:
        formula = "ceil((n - (k-1)*r) / s)"
        filled = f"ceil(({n} - ({k}-1)*{r}) / {s})"
        last = f"ceil({n - axis.dilated_filter + 1} / {s})"
    yield f"out = {formula} = {filled} = {last} = {_result(model, axis)}"


def _same(model: Model, axis: Axis) -> Iterator[str]:
    n, k, s, r = axis.size, axis.filter, axis.stride, axis.rate
    if n % s:
        yield f"n mod s = {n} mod {s} = {n % s}"
        symbol = "n mod s"
    else:
        yield f"n mod s = {n} mod {s} = 0, so s takes its place"
        symbol = "s"
    formula = f"max((k-1)*r + 1 - {symbol}, 0) = max(({k}-1)*{r} + 1 - {n % s or s}, 0)"
    yield f"padding = {formula} = {sum(model.padding(axis))}: {_sides(model, axis)}"
    if model.name == "xnnpack" and same_total(axis) < 0:
        out = documented_size(axis)
        total = f"(out-1)*s + (k-1)*r + 1 - n = ({out}-1)*{s} + ({k}-1)*{r} + 1 - {n}"
        yield f"but without max: {total} = {same_total(axis)}, so each element reads only zeros"


def _phase_strided(model: Model, axis: Axis) -> Iterator[str]:
    k, s, r = axis.filter, axis.stride, axis.rate
    if axis.padding == "SAME":
        total = sum(model.padding(axis))
        sides = f"whatever the stride: {_sides(model, axis)}"
        yield f"padding = (k-1)*r = ({k}-1)*{r} = {total}, {sides}"
    yield from _padded(model, axis)
    cut = phases(axis, model.truncates_sizes)
    n, e, m = cut.padded, cut.excess, cut.result
    added = "zeros added so that r divides n + e, and cropped again"
    yield f"e = (-n) mod r = (-{_signed(n)}) mod {r} = {e}: {added}"
    room = (n + e) // r - k
    if model.truncates_sizes:
        formula = "trunc(((n+e)/r - k + s) / s)"
        filled = f"trunc((({n}+{e})/{r} - {k} + {s}) / {s})"
        last = f"trunc({room + s} / {s})"
    else:
        formula = "floor(((n+e)/r - k) / s) + 1"
        filled = f"floor((({n}+{e})/{r} - {k}) / {s}) + 1"
        last = f"floor({room} / {s}) + 1"
    yield f"m = {formula} = {filled} = {last} = {m}: outputs of each of the {r} phases"
    if m < 0:
        yield f"out = m = {_result(model, axis)}"
    else:
        yield f"out = r*m - e = {r}*{m} - {e} = {_result(model, axis)}"


def _padded(model: Model, axis: Axis) -> Iterator[str]:
    """Yield the size of the input with padding, which is the `n` of the next steps."""
    before, after = model.padding(axis)
    if axis.padding != "VALID":
        padded = f"{axis.size} + {_signed(before)} + {_signed(after)}"
        yield f"n = {padded} = {axis.size + before + after} with padding"


def _sides(model: Model, axis: Axis) -> str:
    before, after = model.padding(axis)
    return f"{before} before and {after} after"


def _signed(number: int) -> str:
    return f"({number})" if number < 0 else str(number)


def _result(model: Model, axis: Axis) -> str:
    """Return the predicted size, with a remark if it is negative."""
    size: int = model.size(axis, model.truncates_sizes)
    return str(size) if size >= 0 else f"{size}: no such tensor exists"
