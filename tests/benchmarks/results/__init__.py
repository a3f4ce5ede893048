"""docs/reference/results.md: recipes of the garden, trained, exported and validated on a board, a row each."""
