"""The page in which students paint, see the network compute, and compare maps with the truth."""
