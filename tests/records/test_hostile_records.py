"""Whatever a record file holds: each command renders it, or refuses it with the line, in one line
of text.
"""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.record_files import crash, error, failed, late, run, value
from tf_conv_conformance.cli.main import main

HEAT = {"size": [6, 6], "block": [1, 1], "levels": ["000000"] * 6}
ENDS = {
    "f::x[1]": value(
        verdict="violates",
        known=True,
        warns=["UserWarning"],
        largest=1.0,
        ulp=2.0,
        largest_at=[0, 1, 2, 0],
        heat=HEAT,
    ),
    "f::x[2]": error(),
    "g::y[1]": crash(),
    "g::y[2]": late(),
    "g::y[3]": failed(exit_status=1),
    "g::y[4]": failed(protocol_error="no JSON"),
    "g::y[6]": failed(),
    "g::y[5]": value(excludes=["swap"], explained="phase_strided"),
}
WRONG = st.sampled_from(
    [
        "linear",
        "xla",
        "NCHW",
        "filter",
        "VALID",
        "tf.keras.layers.Conv2D",
        None,
        True,
        -1,
        0,
        10**30,
        2**52,
        1.5,
        float("inf"),
        "",
        "x",
        "\ud800",
        [],
        {},
        [[1]],
        {"a": None},
    ]
)
COMMANDS = [
    ["summary", "{}", "--partial"],
    ["report", "{}", "--partial", "-o", "{}.html", "--since", "good"],
    ["report", "{}", "older", "--partial", "-o", "versions.html"],
    ["merge", "{}", "--partial", "-o", "merged"],
    ["compare", "good", "{}"],
]


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """The lines of a record file with every type of line, in the current directory beside the file
    itself and that of an older run.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("records"))
        run(Path("good"), ENDS)
        found = [json.loads(line) for line in Path("good").read_text().splitlines()]
        text = "".join(json.dumps(line) + "\n" for line in found)
        Path("good").write_text(text)
        Path("older").write_text(text.replace('"tensorflow": "2.21.0"', '"tensorflow": "2.9.0"'))
        yield found


def places(value, place=()):
    """The path to each value within a value, and to itself."""
    yield place
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in inner:
        yield from places(item, (*place, key))


def changed(value, place, change):
    """The value with what is at a place changed, or left out where `change` says so."""
    if not place:
        return change(value)
    copy = value.copy()
    copy[place[0]] = changed(value[place[0]], place[1:], change)
    if copy[place[0]] is ...:
        del copy[place[0]]
    return copy


@st.composite
def mutants(draw, lines):
    """The text of a file that differs from a record file in a value, a line, or some bytes."""
    number = draw(st.integers(0, len(lines) - 1))
    kind = draw(
        st.sampled_from(["value", "value", "value", "without", "line twice", "no line", "bytes"])
    )
    line, rest = lines[number], (lines[:number], lines[number + 1 :])
    if kind in ("value", "without"):
        place = draw(st.sampled_from([one for one in places(line) if one or kind == "value"]))
        wrong = ... if kind == "without" else draw(WRONG)
        between = [changed(line, place, lambda _: wrong)]
    else:
        between = [line, line] if kind == "line twice" else [] if kind == "no line" else [line]
    text = b"".join(json.dumps(one).encode() + b"\n" for one in (*rest[0], *between, *rest[1]))
    if kind == "bytes":
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.binary(max_size=4)) + text[at + draw(st.integers(0, 40)) :]
    return text


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
@pytest.mark.slow
def test_a_file_is_taken_or_refused_in_one_line(lines, capsys, data):
    Path("mutant").write_bytes(data.draw(mutants(lines)))
    statuses = []
    for command in COMMANDS:
        statuses.append(main([word.format("mutant") for word in command]))
        err = capsys.readouterr().err
        assert err.count("\n") == (statuses[-1] == 2), err
    assert set(statuses) <= {0, 1, 2}
    assert statuses[0] != 2 or set(statuses) == {2}, "what cannot be read is read by no command"


def test_the_unchanged_file_is_taken(lines, capsys):
    assert [main([word.format("good") for word in command]) for command in COMMANDS] == [
        0,
        0,
        0,
        0,
        1,
    ]
