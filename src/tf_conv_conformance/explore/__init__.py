"""Search at random for calls in which TensorFlow departs from its documentation."""
