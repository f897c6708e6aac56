"""Case files: YAML text → cases → calls, with a complaint and its place for whatever is wrong."""
