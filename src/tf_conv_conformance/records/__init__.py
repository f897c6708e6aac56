"""Record files: verdicts as lines of JSON."""
