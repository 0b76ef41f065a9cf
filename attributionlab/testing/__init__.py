"""Assertions for test suites: nothing here yet."""
