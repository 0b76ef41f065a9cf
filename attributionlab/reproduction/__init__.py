"""Reproduction: what the paper prints and what comes out here, claim by claim."""
