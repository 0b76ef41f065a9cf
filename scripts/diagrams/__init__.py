"""Diagrams of networks as SVG, drawn from the weights of the built modules."""
