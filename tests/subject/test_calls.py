"""Calls are drawn ahead, sent in groups and answered in order; a fault costs only its own call."""

import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from support.faulty import CHATTY, HALF, LONELY, TORN
from support.requests import arrays, await_end, children, head
from tf_conv_conformance.subject import gateway, supervisor, wire
from tf_conv_conformance.subject.definition import Definition
from tf_conv_conformance.subject.errors import RECEIVING_ERRORS, SubjectUnavailableError
from tf_conv_conformance.subject.gateway import Gateway
from tf_conv_conformance.subject.request import Request
from tf_conv_conformance.verdict.comparison import ending

EMULATORS = pytest.mark.parametrize(
    "emulator",
    [
        pytest.param((), id="none"),
        pytest.param(
            ("qemu-x86_64", "-cpu", "Haswell"),
            id="qemu",
            marks=[
                pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="needs qemu-user"),
                pytest.mark.slow,
            ],
        ),
    ],
)


def defined(*before):
    """A subject that multiplies the input by the filter's only element, has deliberate faults, and
    starts at once, with environment variables or an emulator before its interpreter.
    """
    return Definition(
        "faulty",
        (
            "env",
            *before,
            sys.executable,
            str(Path(__file__).parents[1] / "support" / "faulty.py"),
        ),
    )


@pytest.fixture(params=["forked", "alone"])
def faulty(request):
    """The subject, with forked workers, or without if there is a thread."""
    subject = Gateway((), 2, defined() if request.param == "forked" else defined("FAULTY_THREAD=1"))
    yield subject
    subject.close()


@pytest.fixture
def forked():
    """The subject, with forked workers."""
    subject = Gateway((), 2, defined())
    yield subject
    subject.close()


def worker_of(subject):
    """Return the processes of a subject: the one that was started, and the worker it forked."""
    assert subject.subject
    (worker,) = children(subject.pid)
    return subject.pid, worker


def request(height, width=3, mode="eager", factor=1, channels=1):
    x = np.full((1, height, width, channels), height, np.float32)
    w = np.full((1, 1, 1, 1), factor, np.float32)
    return Request(head(mode=mode), [x, w, 2 * x, w])


def values(observation):
    return [float(arm.values.flat[0]) for arm in observation.answers]


def test_observations_are_in_the_order_of_the_requests(faulty):
    modes = ("eager", "graph", "xla")
    requests = [
        request(1 + number % 9, mode=modes[number % 3], factor=number) for number in range(500)
    ]
    observed = list(faulty.calls(iter(requests)))
    assert [values(one) for one in observed] == [
        [(1 + number % 9) * number, 2 * (1 + number % 9) * number] for number in range(500)
    ]


def test_requests_are_drawn_ahead_but_not_all(faulty):
    drawn = []

    def drawing():
        for number in range(600):
            drawn.append(number)
            yield request(1, factor=number)

    leads = [len(drawn) - number for number, _ in enumerate(faulty.calls(drawing()))]
    assert len(leads) == 600
    assert 1 < max(leads) <= 2 * gateway.AHEAD


def test_no_request_is_drawn_before_it_is_needed(faulty):
    faulty.calls(pytest.fail("drawn") for _ in range(1))
    assert list(faulty.calls([])) == []


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_messages_may_be_larger_than_a_pipe(faulty, mode):
    """Ten megabytes per call both ways are more than the pipes hold and than is drawn ahead."""
    requests = [request(500, 1000, mode, factor, channels=2) for factor in range(12)]
    assert [values(one) for one in faulty.calls(requests)] == [
        [500 * factor, 1000 * factor] for factor in range(12)
    ]


@pytest.mark.parametrize(
    ("wrong", "kind", "why"),
    [
        ((10, 7), "crashed", "SIGSEGV"),
        ((11, 7), "suite error", "exit status 3"),
        ((12, 7), "timed out", "1 s"),
        ((1, HALF), "timed out", "1 s"),
        ((13, 7), "suite error", "protocol error"),
        ((16, 7), "suite error", "more than 4294967296 bytes"),
        ((1, TORN), "crashed", "SIGKILL"),
    ],
)
def test_a_fault_costs_only_its_own_call(faulty, wrong, kind, why):
    requests = [request(1, factor=factor) for factor in range(100)]
    requests[40] = request(*wrong)
    if kind == "timed out":
        faulty.time_limit = 1.0
    observed = list(faulty.calls(requests))
    assert (observed[40].kind, why in ending(observed[40])) == (kind, True)
    assert [values(one) for one in observed[:40] + observed[41:]] == [
        [n, 2 * n] for n in range(100) if n != 40
    ]


@pytest.mark.parametrize(
    ("wrong", "forks"),
    [((10, 7), True), ((11, 7), True), ((12, 7), False), ((1, TORN), False)],
    ids=["crash", "exit", "hang", "crash while writing"],
)
@pytest.mark.slow
def test_a_dead_worker_is_replaced_by_a_fork(forked, wrong, forks):
    """There is no fork after a partly written message, nor after a hang, which kills the fork
    server, too.
    """
    process, worker = worker_of(forked)
    observed = [one.kind for one in forked.calls([request(*wrong), request(1)])]
    assert observed[0] != "answered"
    assert observed[1] == "answered"
    again, other = worker_of(forked)
    assert (again == process, other == worker) == (forks, False)
    await_end(worker)


@EMULATORS
def test_a_process_with_threads_is_not_forked(emulator):
    subject = Gateway((), 2, defined("FAULTY_THREAD=1", *emulator))
    assert subject.subject
    process = subject.pid
    assert children(process) == []
    assert [one.signal for one in subject.calls([request(10, 7), request(1)])] == ["SIGSEGV", None]
    assert subject.pid != process
    subject.close()


@EMULATORS
def test_a_thread_of_the_emulator_does_not_count(emulator):
    subject = Gateway((), 2, defined(*emulator))
    process, _ = worker_of(subject)
    assert [one.signal for one in subject.calls([request(10, 7), request(1)])] == ["SIGSEGV", None]
    assert worker_of(subject)[0] == process
    subject.close()


@pytest.mark.parametrize("victim", ["fork server", "worker"])
def test_the_next_call_reports_a_killed_process(forked, victim):
    process, worker = worker_of(forked)
    os.kill(process if victim == "fork server" else worker, signal.SIGKILL)
    await_end(worker)
    assert [one.signal for one in forked.calls([request(1), request(1)])] == ["SIGKILL", None]


@pytest.mark.parametrize("busy", [False, True])
def test_close_leaves_no_process(forked, busy):
    processes = worker_of(forked)
    if busy:
        assert next(forked.calls([request(1), request(12, 7)])).kind == "answered"
    forked.close()
    for process in processes:
        await_end(process)


def test_calls_that_a_dead_worker_did_not_read_are_sent_to_the_next(faulty):
    """The message exceeds the pipe, so the dead worker has read only a part of it."""
    requests = [
        request(10, 7),
        *(request(500, 1000, factor=factor, channels=2) for factor in range(1, 4)),
    ]
    observed = list(faulty.calls(requests))
    assert observed[0].signal == "SIGSEGV"
    assert [values(one) for one in observed[1:]] == [
        [500 * factor, 1000 * factor] for factor in range(1, 4)
    ]


@pytest.mark.parametrize("before", [0, 5, 2**16 - 8, 2**16])
def test_the_token_is_found_at_any_offset(before):
    token = bytes(range(1, 17))
    suite, worker = socket.socketpair()  # which holds more than a pipe
    with suite, worker:
        pipe = wire.Pipe.__new__(wire.Pipe)
        pipe._reader = worker
        suite.sendall(bytes(before) + token)
        pipe.skip_past(token)
        suite.sendall(b"next")
        assert worker.recv(99) == b"next"
        suite.close()
        with pytest.raises(EOFError):
            pipe.skip_past(token)


@pytest.mark.parametrize("variables", [[], ["FAULTY_THREAD=1"]], ids=["forked", "alone"])
def test_a_worker_that_dies_before_its_greeting_is_tried_three_times(tmp_path, variables):
    starts = tmp_path / "starts"
    definition = defined(f"FAULTY_STARTS={starts}", *variables)
    subject = Gateway((), 2, definition)
    given = subject.calls([request(10, 7), request(1)])
    assert next(given).signal == "SIGSEGV"
    with pytest.raises(
        SubjectUnavailableError, match="did not start in subject faulty .*: SIGABRT"
    ):
        next(given)
    subject.close()
    assert starts.stat().st_size == 1 + supervisor.START_TRIES
    with pytest.raises(SubjectUnavailableError, match="SIGABRT"):
        Gateway((), 2, definition).subject  # noqa: B018
    assert starts.stat().st_size == 2 + supervisor.START_TRIES


def test_two_faults_in_a_row_are_both_reported(faulty):
    observed = list(faulty.calls([request(10, 7), request(11, 7), request(1)]))
    assert [one.unanswered for one in observed] == [{"signal": "SIGSEGV"}, {"exit_status": 3}, {}]


def test_the_last_output_is_that_of_the_crashed_call(faulty):
    (crashed,) = [
        one
        for one in faulty.calls(request(height, CHATTY) for height in range(1, 9))
        if one.kind != "answered"
    ]
    assert crashed.last_output == "height 5"


@pytest.mark.parametrize("mode", ["graph", "xla"])
def test_a_crash_of_a_group_alone_costs_no_call(faulty, mode):
    requests = [request(1, LONELY if number == 3 else 3, mode, number) for number in range(10)]
    assert [values(one) for one in faulty.calls(requests)] == [
        [number, 2 * number] for number in range(10)
    ]


@pytest.mark.parametrize("mode", ["graph", "xla"])
def test_a_crash_of_a_call_in_a_group_costs_only_that_call(faulty, mode):
    observed = list(
        faulty.calls(request(10, 7 if number == 3 else 3, mode) for number in range(10))
    )
    assert [one.signal for one in observed] == [None] * 3 + ["SIGSEGV"] + [None] * 6


def test_a_call_between_others_gets_its_own_answer(faulty):
    answered = []
    for observation in faulty.calls(request(1, factor=factor) for factor in range(200)):
        answered.append(values(observation)[0])
        if len(answered) % 50 == 0:
            again = request(1, factor=1000 + len(answered))
            assert values(faulty.call(again.head, again.arrays))[0] == 1000 + len(answered)
    assert answered == list(range(200))


def test_abandoned_calls_do_not_disturb_later_ones(faulty):
    given = faulty.calls(request(1, factor=factor) for factor in range(200))
    assert values(next(given)) == [0, 0]
    given.close()
    later = request(1, factor=7)
    assert values(faulty.call(later.head, later.arrays)) == [7, 14]


def test_an_error_while_drawing_requests_does_not_disturb_later_calls(faulty):
    def drawing():
        yield request(1)
        raise LookupError("no data")

    with pytest.raises(LookupError, match="no data"):
        list(faulty.calls(drawing()))
    later = request(1, factor=7)
    assert values(faulty.call(later.head, later.arrays)) == [7, 14]


def test_an_unavailable_subject_is_reported_at_its_first_use():
    gateway = Gateway((), 60, Definition(command=("no-such-interpreter",)))
    with pytest.raises(SubjectUnavailableError, match="No such file"):
        next(gateway.calls([request(1)]))
    gateway.close()


def mixed(mode):
    """Calls some of which are refused, warn, use layers or take gradients."""
    filter_too_large = Request(head(mode=mode), arrays((1, 2, 2, 1), (5, 5, 1, 1)))
    wrong_channels = Request(head(mode=mode), arrays((1, 3, 3, 3), (2, 2, 2, 1)))
    atrous = Request(
        head("depthwise_conv2d", mode, strides=[1, 2, 2, 1], dilations=[2, 2]),
        arrays((1, 9, 9, 1)) * 2,
    )
    layer = {
        **head(mode=mode),
        "function": "tf.keras.layers.Conv2D",
        "keywords": {"strides": [1, 1], "padding": "valid"},
    }
    gradient = Request(
        {**head(mode=mode, dtype="float64"), "gradient": "filter", "dtypes": ["float64"] * 3},
        [np.ones((1, 2, 2, 1))] * 3,
    )
    zero_stride = Request(head(mode=mode, strides=[1, 0, 0, 1]), arrays())
    half = Request(head(mode=mode, dtype="bfloat16"), arrays(dtype="bfloat16") * 2)
    plain = [Request(head(mode=mode), arrays((1, size, size, 1)) * 2) for size in range(3, 9)]
    return [
        filter_too_large,
        *plain[:3],
        wrong_channels,
        atrous,
        Request(layer, arrays() * 2),
        gradient,
        zero_stride,
        half,
        *plain[3:],
        atrous,
    ]


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_a_grouped_call_has_the_same_observation_as_alone(tensorflow, mode):
    requests = mixed(mode)
    alone = [tensorflow.call(request.head, request.arrays) for request in requests]
    for one, other in zip(alone, tensorflow.calls(requests), strict=True):
        assert one.kind == other.kind == "answered"
        for arm, same in zip(one.answers, other.answers, strict=True):
            assert (arm.error, arm.bases, arm.message, arm.warnings, arm.dtype) == (
                same.error,
                same.bases,
                same.message,
                same.warnings,
                same.dtype,
            )
            assert (
                arm.values is None
                if same.values is None
                else np.array_equal(arm.values, same.values)
            )
    assert any(arm.error for one in alone for arm in one.answers)


def test_tensorflow_crashing_in_a_group_costs_only_that_call(tensorflow):
    requests = [
        Request(head("depthwise_conv2d", "xla", padding="SAME"), arrays((1, 4, 4, 1), (3, 3, 1, 2)))
        for _ in range(4)
    ]
    requests[2] = Request(requests[0].head, arrays((1, 4, 4, 0), (3, 3, 0, 2)))
    assert [one.signal for one in tensorflow.calls(requests)] == [None, None, "SIGFPE", None]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::2],
        np.array([b"1", b"-20"]),
        np.array(1.5, np.float16),
        np.zeros((2, 0, 3)),
        np.arange(3, dtype=np.uint16),
        np.array([True, False]),
        np.arange(100_000, dtype=np.complex128),
    ],
)
def test_arrays_are_sent_bit_for_bit(array):
    data = b"".join(bytes(part) for part in wire.message({"type": "x"}, [array, array]))
    head, (one, other) = wire.receive(BytesPipe(data))
    assert head["type"] == "x"
    for received in (one, other):
        assert (received.dtype, received.shape, received.tobytes()) == (
            array.dtype,
            array.shape,
            array.tobytes(),
        )


class BytesPipe:
    def __init__(self, data):
        self.data = data

    def read(self, count):
        data, self.data = bytearray(self.data[:count]), self.data[count:]
        return data


@pytest.mark.parametrize(
    ("described", "size"),
    [
        ([["<f4", [3]]], 8),
        ([["<f4", [1]]], 16),
        ([["|O", [1]]], 8),
        ([["<f4,<f4", [1]]], 8),
        ([["(2,)<f4", [1]]], 8),
        ([["<f4", [-2]]], 8),
        ([["<f4", [-1, -2]]], 8),
        ([["<f4", [2.0]]], 8),
        ([["<f4", ["2"]]], 8),
        ([["<f4", 2]], 8),
        ([["<f4", [2**62, 2**62]]], 8),
        ([["<f4", [2**62, 2**62, 0]]], 0),
        ([["<f4", [2**80, 0]]], 0),
        ([["<f4", [1] * 100]], 8),
        ([["<f3", [1]]], 8),
        ([[4, [1]]], 8),
        ([["<f4"]], 8),
        ("arrays", 8),
        (None, 8),
    ],
)
def test_a_body_that_does_not_fit_its_head_is_rejected(described, size):
    with pytest.raises(RECEIVING_ERRORS):
        wire.views(described, bytearray(size))


def test_an_array_of_objects_is_not_sent():
    with pytest.raises(ValueError, match="cannot send an array of object"):
        wire.message({}, [np.array([None])])
