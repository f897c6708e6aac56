"""A random call is judged like any other; what follows from another failure is a consequence."""

from support.explored import call, error, shaped, values
from support.record_files import FACTS
from tf_conv_conformance.explore.judgement import Judge


class Subject:
    """A subject that answers each request with what a function returns for its head."""

    subject = FACTS

    def __init__(self, answer):
        self._answer = answer

    def calls(self, requests):
        return (self._answer(request.head) for request in requests)


def kind(one, answer):
    judged = Judge(Subject(answer), []).judge(one)
    return judged.kind, judged.outcome


def test_a_result_that_depends_on_other_threads_is_flaky():
    one = call(op="conv2d", relations=["threads"])
    right = values(one)
    wrong = shaped(*right.answers[0].shape)
    assert kind(one, lambda head: right) == ("conforms", ())
    flaky = ("new", ("flaky", "threads"))
    assert kind(one, lambda head: wrong if "how" in head else right) == flaky
    assert kind(call(op="conv2d"), lambda head: wrong if "how" in head else right)[0] == "conforms"
    assert kind(one, lambda head: wrong)[1][0] == "values"


def test_a_function_that_cannot_be_traced_again_is_not_flaky():
    one = call("graph", op="conv2d", relations=["retraced"])
    refused = error("NotRetracedError", "another size is refused")
    assert kind(one, lambda head: refused if "how" in head else values(one)) == ("conforms", ())


def test_a_converted_model_that_does_what_its_function_does_is_a_consequence():
    one = call("tflite", op="conv2d")
    refused, another = error("ValueError", "no"), error("ValueError", "something else")
    assert kind(one, lambda head: refused) == ("consequence", ())
    assert kind(one, lambda head: another if head["mode"] == "graph" else refused)[0] == "new"
    assert kind(one, lambda head: values(one) if head["mode"] == "graph" else refused)[0] == "new"


def test_a_part_without_exact_data_is_no_cause():
    """The convolution sums 360 products, which bfloat16 cannot hold, and its gradient 90."""
    one = call(
        op="conv2d",
        input=[1, 3, 3, 8],
        filter=[15, 3, 8, 2],
        padding="SAME",
        dtype="bfloat16",
        gradient="input",
    )
    refused = error("InvalidArgumentError", "no")
    assert kind(one, lambda head: refused)[0] == "new"


def test_a_transformation_of_a_gradient_that_fails_is_a_consequence():
    one = call(op="conv2d", through="gradient_by_filter")
    refused = error("InvalidArgumentError", "no gradient")
    fails = {
        "all": lambda head: True,
        "its gradient": lambda head: head["gradient"] == "filter" or "through" in head,
        "itself": lambda head: "through" in head,
    }

    def answer(head, fails):
        by = {"gradient": head["gradient"]} if head["gradient"] else {}
        return refused if fails(head) else values(call(op="conv2d", **by))

    found = {
        name: kind(one, lambda head, fails=fails: answer(head, fails))[0]
        for name, fails in fails.items()
    }
    assert found == {"all": "consequence", "its gradient": "consequence", "itself": "new"}
