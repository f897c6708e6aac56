"""Run the TensorFlow under test in a worker process, and observe what it does."""
