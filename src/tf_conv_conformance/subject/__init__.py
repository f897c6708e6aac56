"""The TensorFlow under test: its worker process, and what it was seen to do."""
