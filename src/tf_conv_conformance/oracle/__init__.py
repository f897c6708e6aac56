"""The NumPy model of both operators: what the documentation's formula computes, and what space to batch computes."""
