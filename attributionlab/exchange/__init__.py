"""Exchange: data sets, maps and models, to and from other programs."""
