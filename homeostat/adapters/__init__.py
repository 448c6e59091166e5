"""One family per technology; families never import each other. File names repeat the port's."""
