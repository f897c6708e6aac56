"""When a line of progress is due, and its text; the clock is the test's."""

import pytest

from tf_conv_conformance.plugin.progress import Progress, counted, duration


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def lines(total, steps, live=False):
    """The lines of a run of calls, each (seconds that it takes, verdict), by the number of calls
    done.
    """
    clock = Clock()
    progress = Progress(total, live=live, clock=clock)
    said = {}
    for number, (seconds, verdict) in enumerate(steps, 1):
        clock.now += seconds
        if (line := progress.done(verdict)) is not None:
            said[number] = line
    return said


def test_a_line_every_15_seconds():
    said = lines(100, [(1, "conforms")] * 100)
    assert said == {
        15: "15 of 100 calls (15%): 15 conforms; about 1 min left",
        30: "30 of 100 calls (30%): 30 conforms; about 1 min left",
        45: "45 of 100 calls (45%): 45 conforms; about 55 s left",
        60: "60 of 100 calls (60%): 60 conforms; about 40 s left",
        75: "75 of 100 calls (75%): 75 conforms; about 25 s left",
        90: "90 of 100 calls (90%): 90 conforms; about 10 s left",
    }


def test_verdicts_so_far_are_counted():
    verdicts = ["conforms"] * 1500 + ["violates", "deviates", "deviates"]
    (line,) = lines(
        6000, [(0.005, verdict) for verdict in verdicts[:-1]] + [(8, "deviates")]
    ).values()
    assert (
        line
        == "1,503 of 6,000 calls (25%): 1,500 conforms, 2 deviates, 1 violates; about 46 s left"
    )


def test_a_run_of_less_than_15_seconds_prints_no_progress():
    assert lines(14, [(1, "conforms")] * 14) == {}
    assert lines(1, [(60, "conforms")]) == {}


def test_the_time_that_tensorflow_takes_to_start_is_not_that_of_a_call():
    (line,) = lines(11, [(14, "conforms"), (1, "conforms")]).values()
    assert line.endswith("about 9 s left"), "not 9 times 14"


def test_nothing_is_left_after_the_last_call_nor_after_more_than_were_planned():
    assert max(lines(40, [(1, "conforms")] * 80)) < 40


def test_a_live_line_comes_at_once_and_names_failures_first():
    verdicts = ["conforms", "conforms", "violates", "refused", "conforms", "conforms"]
    said = lines(80, [(0.2, verdict) for verdict in verdicts * 2], live=True)
    assert list(said.values()) == [
        "[  2%] 2 of 80 calls: 2 conforms",
        "[  5%] 4 of 80 calls: 1 violates, 2 conforms, 1 refused",
        "[  7%] 6 of 80 calls: 1 violates, 4 conforms, 1 refused",
        "[ 10%] 8 of 80 calls, about 14 s left: 1 violates, 6 conforms, 1 refused",
        "[ 12%] 10 of 80 calls, about 14 s left: 2 violates, 6 conforms, 2 refused",
        "[ 15%] 12 of 80 calls, about 14 s left: 2 violates, 8 conforms, 2 refused",
    ]


@pytest.mark.parametrize("live", [False, True])
def test_the_time_left_is_estimated_after_a_tenth_of_the_calls_or_a_minute(live):
    few = lines(1000, [(1, "conforms")] * 100, live=live)
    assert next(number for number, line in few.items() if " left" in line) == (62 if live else 75)
    many = lines(1000, [(0.5, "conforms")] * 110, live=live)
    assert [number for number, line in many.items() if " left" in line] == [
        number for number in many if number >= 100
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (89, "1 min"),
        (150.1, "3 min"),
        (3540, "59 min"),
        (3600, "1 h 0 min"),
        (9000, "2 h 30 min"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_the_most_frequent_verdict_comes_first():
    assert counted({"violates": 1, "conforms": 2000}) == "2,000 conforms, 1 violates"
    assert counted({}) == ""
