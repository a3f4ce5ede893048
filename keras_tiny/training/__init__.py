"""Training: batches in, a trained model and its run folder out."""
