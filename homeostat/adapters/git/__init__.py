"""What git knows of a user's project: the commit, and how the working tree differs from it. Reads only."""
