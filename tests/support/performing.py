"""Calls that are made and judged one after the other."""

from tf_conv_conformance.subject.lookahead import LookAhead
from tf_conv_conformance.verdict.perform import lacks, perform
from tf_conv_conformance.verdict.requests import requests


def perform_all(calls, subject):
    """Make and judge calls, each sent ahead of the verdict on those before it."""
    ahead = LookAhead(subject, requests)

    def result(number, call):
        following = (one for one in calls[number + 1 :] if lacks(one, subject) is None)
        return perform(call, subject, lambda: ahead.observations(call, following))

    return [result(number, call) for number, call in enumerate(calls)]
