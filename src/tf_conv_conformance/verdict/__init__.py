"""What a call's observation means beside its prediction."""
