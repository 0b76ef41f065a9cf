"""Specs: one grammar for everything that has a name and options, and one catalog of named things."""
