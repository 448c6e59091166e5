"""Traces: which requests have one, what it holds, and its way to the collector, off everybody's path.

Every part that makes spans is a subclass or a wrapper that is only put in where an endpoint was given: without one,
nothing of this room is on the path of a request, and nothing that sends traces is loaded.
"""
