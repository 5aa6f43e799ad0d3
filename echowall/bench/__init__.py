"""What a stack costs: a load generator that knows its own lateness, and rounds of measurements over services."""
