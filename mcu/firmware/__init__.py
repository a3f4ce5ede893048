"""Builds what runs on a board: sources, compilers, images."""
