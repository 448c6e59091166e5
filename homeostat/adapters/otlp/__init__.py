"""Traces to a collector by OTLP over HTTP, with OpenTelemetry's own exporter.

Needs the extra ``homeostat[otel]`` and is imported only by a process that was given an endpoint. Sends to that endpoint
and nowhere else. May import the kernel.
"""
