"""Exact outputs while pixels are switched: nothing here yet, the perturbation metrics will need it."""
