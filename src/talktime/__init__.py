"""The meter for paid conversations."""
