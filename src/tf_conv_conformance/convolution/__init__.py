"""Describe calls of the two operators: arguments, axes, dtypes and entry points."""
