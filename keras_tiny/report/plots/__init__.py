"""Plots as inline SVG, without matplotlib: the base install reports."""

from keras_tiny.report.plots.curves import curves
from keras_tiny.report.plots.dot import dot, dot_start
from keras_tiny.report.plots.heat_map import heat_map
from keras_tiny.report.plots.histogram import histogram

__all__ = ["curves", "dot", "dot_start", "heat_map", "histogram"]
