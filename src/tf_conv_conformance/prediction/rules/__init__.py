"""The statements of TensorFlow's documentation as data, and the functions that check them."""
