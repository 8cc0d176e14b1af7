"""Doubles of the outside world. Each keeps its state outside the worker, so killing one loses nothing."""
