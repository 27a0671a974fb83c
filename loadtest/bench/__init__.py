"""Benchmarks: one file a subject, each registering its figures with `figure`; `make bench` runs them.

A figure is a ratio against a baseline of the same run or a time on this machine, the median over repeats.
"""

from loadtest.bench.figures import Figure, Unmeasurable, figure

__all__ = ["Figure", "Unmeasurable", "figure"]
