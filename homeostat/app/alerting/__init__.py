"""Alerts at work: addresses, the worker that delivers, what watches control, and what people may ask for."""
