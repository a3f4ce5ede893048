"""What a task needs from a training run: its loss, its metric, and how a model's outputs are read."""
