"""A small world and a running Homeostat for tests that need the real thing."""
