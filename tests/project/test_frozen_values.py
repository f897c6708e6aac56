"""What predictions and verdicts are made of cannot be changed: caches give it to several calls."""

import dataclasses
import importlib
import pkgutil

import pytest

import tf_conv_conformance

PACKAGES = ("convolution", "prediction", "verdict")


def modules():
    for package in PACKAGES:
        path = importlib.import_module(f"{tf_conv_conformance.__name__}.{package}").__path__
        yield from pkgutil.walk_packages(path, f"{tf_conv_conformance.__name__}.{package}.")


@pytest.mark.parametrize("name", [module.name for module in modules() if not module.ispkg])
def test_dataclasses_are_frozen(name):
    module = importlib.import_module(name)
    own = [value for value in vars(module).values() if getattr(value, "__module__", None) == name]
    for value in filter(dataclasses.is_dataclass, own):
        if isinstance(value, type):
            assert value.__dataclass_params__.frozen, value.__name__
