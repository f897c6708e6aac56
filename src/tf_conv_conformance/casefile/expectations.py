"""Models of what a case expects: a result or an exception, and declared deviations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from tf_conv_conformance.casefile.argument_fields import Alternatives, ArgumentFields
from tf_conv_conformance.casefile.fields import (
    BY_KIND,
    MAPPING,
    SCALAR,
    Backend,
    CpuFlags,
    Date,
    Exceptions,
    IsaRange,
    LostSizes,
    Modes,
    Pattern,
    Shape,
    Signals,
    StaticSizes,
    Strict,
    Text,
    Values,
    VersionRange,
    WarningName,
    Word,
)
from tf_conv_conformance.convolution.modes import TENSORFLOW_MODES
from tf_conv_conformance.convolution.names import MODES, MODES_OF_SHAPES, Dtype, Mode

_MATCH_NEEDS_ERROR = "`match` is for the message of an `error`; give the `error`, too"


def _refuse(kind: Literal["expect", "observed"], message: str) -> PydanticCustomError:
    return PydanticCustomError(kind, "{message}", {"message": message})


class When(Strict):
    """A condition on the subject and the mode. Keys that are not given do not matter."""

    tensorflow: VersionRange | None = None
    """A PEP 440 range of TensorFlow versions, quoted: `">=2.12,<2.22"`."""
    keras: VersionRange | None = None
    """A range of versions of Keras, quoted."""
    backend: Backend | None = None
    """What Keras layers run on: `tensorflow`, `jax` or `torch`, or with versions `"jax>=0.5"`."""
    litert: VersionRange | None = None
    """A range of versions of `ai-edge-litert`, which runs the mode litert, quoted."""
    onnxruntime: VersionRange | None = None
    """A range of versions of `onnxruntime`, which runs the mode onnx, quoted."""
    tf2onnx: VersionRange | None = None
    """A range of versions of `tf2onnx`, which converts for the mode onnx, quoted."""
    modes: Modes | None = None
    """The modes, by default those that run TensorFlow: eager, graph, xla and saved_model."""
    onednn: bool | None = None
    """Whether oneDNN's kernels are in effect."""
    device: Literal["cpu", "gpu"] | None = None
    """The device on which TensorFlow runs."""
    platform: Word | None = None
    """Python's `sys.platform`: linux, darwin."""
    machine: Word | None = None
    """Python's `platform.machine()`: x86_64, aarch64."""
    isa: IsaRange | None = None
    """The instruction sets that oneDNN may use, in its names: `">=avx512_core"`, `"==avx2"`."""
    cpu: CpuFlags | None = None
    """Vector extensions that the processor must have, all of them: avx2, avx512f."""
    cpu_without: CpuFlags | None = None
    """Vector extensions that the processor must lack, all of them."""


VERSIONED = ("tensorflow", "keras", "litert", "onnxruntime", "tf2onnx")
"""The keys of :class:`When` that are ranges of versions, and the subject's facts with versions."""


class Expect(Strict):
    """An exception, or a shape and values, that the case claims instead of the documentation."""

    error: Exceptions | None = None
    """The exception's class, one of its bases, or the TensorFlow error that it replaces.

    A list means any of them, and `Exception` any exception. Write a class that is neither Python's
    nor TensorFlow's with its module.
    """
    match: Pattern | None = None
    """A regular expression to find in the exception's message."""
    shape: Shape | None = None
    """The shape of the result."""
    values: Annotated[list[Values], Field(min_length=1)] | None = None
    """The values of the result, nested or flat."""

    @model_validator(mode="after")
    def _check(self) -> Expect:
        returns = self.shape is not None or self.values is not None
        if self.error is None and not returns:
            advice = "give `error`, or `shape` and `values`, or leave `expect` out"
            raise _refuse("expect", f"expects nothing; {advice}")
        if self.error is not None and returns:
            reason = "a call cannot both raise `error` and return `shape` or `values`"
            raise _refuse("expect", f"{reason}; keep one")
        if self.match is not None and self.error is None:
            raise _refuse("expect", _MATCH_NEEDS_ERROR)
        return self


class Observed(Strict):
    """What TensorFlow does instead of what it documents. Everything that is given is checked."""

    model: (
        Literal["documented", "phase_strided", "converted", "xnnpack", "tf2onnx", "onnxruntime"]
        | None
    ) = None
    """The oracle that predicts shape and values."""
    sizes: Literal["truncated"] | None = None
    """`truncated`: the model divides towards zero, so a size just below zero becomes zero."""
    accumulator: Literal["float16", "bfloat16", "float32"] | None = None
    """For reals, the dtype in which the model sums products, if less precise than assumed."""
    padding: Literal["skipped"] | None = None
    """`skipped`: the model skips padding. The result differs if a filter value is not finite."""
    subnormals: Literal["flushed"] | None = None
    """`flushed`: the model replaces subnormal inputs and results with zero."""
    as_if: ArgumentFields | None = None
    """Evaluate the model with these arguments: TensorFlow behaves as if it had received them."""
    shape: Shape | None = None
    """The shape of the result. If there is a model, it must predict this shape."""
    dtype: Dtype | None = None
    """The dtype of a result without a model, if it differs from the call's."""
    values: Literal["unspecified"] | None = None
    """`unspecified`: the values cannot be predicted, as in uninitialised memory."""
    error: Exceptions | None = None
    """The exception's class, one of its bases, or the TensorFlow error that it replaces.

    A list means any of them.
    """
    match: Pattern | None = None
    """A regular expression to find in the exception's message."""
    crash: Signals | None = None
    """The signal that ends the process, such as SIGFPE."""
    timeout: Literal[True] | None = None
    """`true`: the call does not end within the time limit."""
    warning: WarningName | None = None
    """The category of a Python warning that is issued."""
    sometimes: Literal[True] | None = None
    """`true`: the same call may as well do what is documented."""
    unknown: LostSizes | None = None
    """What the static shape of the result does not know: `batch`, `height`, `width`, `channels` or
    `rank`.

    The result itself is as documented, or as another deviation declares. Sizes that cannot be known
    may be listed, too.
    """
    static: StaticSizes | None = None
    """The static shape itself, with the word `unknown` for a size that it does not know.

    It may contradict the result. Give `unknown` instead if that can describe it.
    """

    @model_validator(mode="after")
    def _check(self) -> Observed:
        if fault := self._kind_fault() or self._values_fault() or self._dependency_fault():
            raise _refuse("observed", fault)
        return self

    def _kind_fault(self) -> str | None:
        result = (self.model, self.shape, self.values) != (None, None, None)
        others = (self.error, self.crash, self.timeout, self.unknown, self.static)
        if [result, *(other is not None for other in others)].count(True) == 1:
            return None
        form = "`model` (or `shape` with `values: unspecified`)"
        return f"give exactly one of {form}, `error`, `crash`, `timeout`, `unknown`, `static`"

    def _values_fault(self) -> str | None:
        # An empty result has no values, so none to explain.
        is_empty = self.model is None and self.values is None and 0 in (self.shape or ())
        if self.is_static:
            return None
        if self.returns and not is_empty and (self.model is None) == (self.values is None):
            otherwise = "or `shape` with `values: unspecified` if none can"
            return f"give the `model` that explains the values, {otherwise}"
        if self.values is not None and self.shape is None:
            return "`values: unspecified` needs a `shape`, or nothing would be checked"
        return None

    def _dependency_fault(self) -> str | None:
        """Return what is wrong with keys that need another key."""
        for name in ("as_if", "sizes", "accumulator", "padding", "subnormals"):
            if getattr(self, name) is not None and self.model is None:
                return f"`{name}` changes a `model`; give the `model`, too"
        if self.dtype is not None and (self.shape is None or self.model is not None):
            return "`dtype` goes with a `shape` and no `model`, since a model has the call's dtype"
        if self.match is not None and self.error is None:
            return _MATCH_NEEDS_ERROR
        for name in ("warning", "sometimes"):
            if getattr(self, name) is not None and self.is_static:
                return f"`{name}` goes with a result or an `error`, not with a static shape"
        return None

    @property
    def is_static(self) -> bool:
        """Whether a static shape is declared, and nothing about the call itself."""
        return self.unknown is not None or self.static is not None

    @property
    def static_sizes(self) -> list[int | None]:
        """The declared static shape, None for a size that is unknown."""
        return [None if size == "unknown" else size for size in self.static or ()]

    @property
    def returns(self) -> bool:
        """Whether a result is declared, with or without values."""
        ends = (self.error, self.crash, self.timeout)
        return not self.is_static and ends == (None, None, None)


class Deviation(Strict):
    """A declared difference between TensorFlow and its documentation."""

    rule: Annotated[str, Field(max_length=100)]
    """The id of the documented rule that TensorFlow breaks; `docs/rules.md` lists them."""
    observed: Observed
    """What TensorFlow does instead."""
    reported: Annotated[
        str, StringConstraints(pattern=r"^(https?://\S+|unreported)$", max_length=500)
    ]
    """The address of a public report, or `unreported`."""
    when: When = When()
    """The subjects and modes to which the deviation applies, all by default."""
    where: Alternatives = Alternatives()
    """In a sweep, the arguments to which the deviation applies."""
    expires: Date | None = None
    """The last day on which the deviation is valid without a review."""
    notes: Text | None = None
    """Free text about the deviation."""

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes in which it applies."""
        modes = self.when.modes or TENSORFLOW_MODES
        own = MODES_OF_SHAPES.get(self.rule.partition("-shape.")[0], MODES)
        return tuple(mode for mode in own if mode in modes)


Expectation = Annotated[Annotated[Literal["result"], SCALAR] | Annotated[Expect, MAPPING], BY_KIND]
