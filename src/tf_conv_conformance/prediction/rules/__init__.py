"""What TensorFlow's documentation states of both operators: each statement as data, with the function that checks it."""
