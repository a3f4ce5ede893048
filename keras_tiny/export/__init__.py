"""From a trained model to a bundle: convert, audit, golden vectors, files for TensorFlow Lite Micro, manifest."""
