"""Adebayo et al. 2020, Debugging Tests for Model Explanations: bugs of trained networks, with controls beside every published number."""
