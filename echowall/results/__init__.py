"""What was measured, as it is kept and as the documents show it."""
