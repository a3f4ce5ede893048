"""Reports: one self-contained HTML file each, plots as inline SVG."""

from keras_tiny.report.validation import Example, ValidationPage, render_validation

__all__ = ["Example", "ValidationPage", "render_validation"]
