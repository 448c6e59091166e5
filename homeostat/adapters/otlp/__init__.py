"""Traces to a collector: the messages of OTLP, sent over HTTP.

Needs the extra ``homeostat[otel]`` and is imported only by a process that was given an endpoint. Sends to that endpoint
and nowhere else. Makes the protocol's own messages: through OpenTelemetry's SDK and its exporter a span takes several
times the processor time, which requests would wait for. May import the kernel.
"""
