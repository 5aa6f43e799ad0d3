"""The catalog of services, and what makes, locks and checks their folders."""
