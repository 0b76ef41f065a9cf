"""A method, a metric and an environment for attributionlab, in a package of their own."""
