"""Losses: (targets, outputs) → one number per sample."""
