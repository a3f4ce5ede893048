"""Reports: one self-contained HTML file each, plots as inline SVG."""

from keras_tiny.report.validation import ClassTable, Example, TaskPart, ValidationPage, render_validation

__all__ = ["ClassTable", "Example", "TaskPart", "ValidationPage", "render_validation"]
