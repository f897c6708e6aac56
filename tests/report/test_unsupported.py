"""What calls that were not made lack, in the terminal's summary."""

from types import SimpleNamespace

from tf_conv_conformance.report.unsupported import unsupported_lines


def records(**reasons):
    """A run with as many unsupported calls for each reason, and one that was made."""
    ends = [{"verdict": "conforms", "reason": ""}]
    ends += [
        {"verdict": "unsupported", "reason": f"requires {name}"}
        for name, count in reasons.items()
        for _ in range(count)
    ]
    return SimpleNamespace(ends=dict(enumerate(ends)))


def test_frequent_reasons_have_a_line_each_and_the_others_one():
    runs = [records(a=1, b=3, c=2, d=1), records(b=1, c=1999, d=3, e=2, f=1)]
    assert unsupported_lines(runs) == [
        "unsupported (2,001): requires c",
        "unsupported (4): requires b",
        "unsupported (4): requires d",
        "unsupported (2): requires e",
        "unsupported (2): other reasons, which -rs shows",
    ]
    assert unsupported_lines([records(a=1)]) == ["unsupported (1): requires a"]
    assert unsupported_lines([records()]) == []
