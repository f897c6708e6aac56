"""The case of a call that is pasted as Python code, perhaps with options beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tf_conv_conformance.casefile.writer import WrittenCase
from tf_conv_conformance.cli.case_options import (
    KEYS,
    OptionError,
    option,
    option_values,
    written_case,
)
from tf_conv_conformance.cli.pasted_function import Reading
from tf_conv_conformance.cli.pasted_layer import LayerReading
from tf_conv_conformance.cli.python_call import read_call


@dataclass(frozen=True)
class PastedCase:
    """A case, and what the code and it do not share.

    Arguments of the code that are no part of it are `left_out`, by name with the reason. What it
    has in place of a dtype that the code lacks is `assumed`.
    """

    written: WrittenCase
    left_out: Mapping[str, str]
    assumed: str | None


def read_pasted(options: Mapping[str, str | None]) -> PastedCase:
    """Return the case of the code in the option `op`, completed by the others.

    Raises :class:`OptionError`.
    """
    call = read_call(options["op"] or "")
    given = option_values({key: text for key, text in options.items() if key != "op"})
    reading = (LayerReading if ".layers." in call.symbol else Reading)(call, given)
    keys = reading.keys()
    for key in given:
        from_option = keys.get(key) == given[key] and key in ("input", "upstream")
        also = {"rate": "dilations", "filter_dtype": "dtype"}.get(key, key)
        if (key in keys and not from_option) or (also != key and also in keys):
            raise OptionError(f"{option(key)}: the code gives it; change it there")
    case = {"id": "tried", **keys, **given}
    ordered = {key: case[key] for key in ("id", *KEYS) if key in case}
    written = written_case(ordered, lambda key: option(key) if key in given else f"`{key}`")
    return PastedCase(written, reading.left_out(), reading.assumed())
