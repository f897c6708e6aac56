"""The HTML report: a pure function of record files."""
