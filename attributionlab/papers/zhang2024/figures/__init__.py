"""The figures of Zhang et al. 2024, drawn from stored runs."""
