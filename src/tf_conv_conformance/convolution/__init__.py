"""Calls of the two operators: arguments, axes, dtypes, entry points."""
