"""Judge calls: compare the observation of a call with its prediction."""
