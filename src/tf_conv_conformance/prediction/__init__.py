"""Predict what the documentation says a call returns, and what each model computes."""
