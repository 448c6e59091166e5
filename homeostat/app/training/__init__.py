"""Training in a child process, and the candidate that it leaves."""
