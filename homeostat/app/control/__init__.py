"""The control process: evidence read from the stores, the retraining's effects, and the service doors call."""
