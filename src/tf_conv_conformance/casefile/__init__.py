"""Case files: YAML text → cases → calls, with a diagnostic and its place for whatever is wrong."""
