"""Guests that break a rule and must die of it."""
