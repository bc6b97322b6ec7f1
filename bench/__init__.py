"""Benchmarks: one file each, run as ``python -m bench.<name>``; each measures its peers in the same run."""
