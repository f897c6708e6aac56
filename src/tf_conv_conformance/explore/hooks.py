"""pytest hooks and options for random calls.

pytest loads this module in every run, so it imports nothing that is slow to import.
"""

from __future__ import annotations

import pytest

from tf_conv_conformance.plugin.numpy_threads import import_numpy

PLUGIN = "tf_conv_conformance"
"""The plugin that these hooks belong to; without it they do nothing."""


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options to the group of the plugin."""
    if pluginmanager.is_blocked(PLUGIN):
        return
    option = parser.getgroup("tf-conv-conformance").addoption
    option(
        "--tf-explore",
        metavar="CALLS",
        type=int,
        help="make CALLS random calls, and write the causes of failures to the folder `found` of "
        "the reports; without a path, run nothing else",
    )
    option(
        "--tf-explore-seed",
        metavar="SEED",
        type=int,
        help="seed of the random calls (default: 0)",
    )
    option(
        "--tf-explore-minutes",
        metavar="MINUTES",
        type=float,
        help="start no new random calls after MINUTES",
    )


@pytest.hookimpl(tryfirst=True)  # takes the ids of blocks out of the command line first
def pytest_configure(config: pytest.Config) -> None:
    """Check the options, and collect random calls if any are selected."""
    if config.pluginmanager.is_blocked(PLUGIN):
        return
    if (calls := config.getoption("--tf-explore")) is not None and calls < 1:
        raise pytest.UsageError("--tf-explore: must be at least 1")
    if (minutes := config.getoption("--tf-explore-minutes")) is not None and not minutes > 0:
        raise pytest.UsageError("--tf-explore-minutes: must be above 0 minutes")
    if config.getoption("--tf-explore-seed") is not None and calls is None:
        raise pytest.UsageError("--tf-explore-seed: needs --tf-explore CALLS")
    if minutes is not None and not _is_exploring(config):
        raise pytest.UsageError("--tf-explore-minutes: needs --tf-explore CALLS")
    if not _is_exploring(config):
        return
    import_numpy(config)
    from tf_conv_conformance.explore.collection import prepare

    prepare(config)


def _is_exploring(config: pytest.Config) -> bool:
    """Return whether random calls are selected, by their number or by ids of their tests."""
    named = any(str(argument).startswith("explore::") for argument in config.args)
    given = getattr(config.option, "tf_explore_named", [])
    return bool(named or given) or config.getoption("--tf-explore") is not None
