"""Specs: the grammar of names with options, and the catalog of named objects."""
