"""Random search for calls in which TensorFlow does not do what it documents, and that no declared deviation knows."""
