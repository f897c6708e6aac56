"""Read case files: from YAML text to cases to calls, with a diagnostic for every mistake."""
