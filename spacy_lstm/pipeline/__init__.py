"""The two components."""
