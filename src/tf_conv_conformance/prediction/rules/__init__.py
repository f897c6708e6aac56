"""Statements of TensorFlow's documentation as data, and functions that check them."""
