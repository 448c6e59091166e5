"""The features of a loop: audited, reviewed, rebuilt, and shown."""
