"""Search at random for calls in which TensorFlow deviates from its documentation."""
