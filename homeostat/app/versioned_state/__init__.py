"""State that depends on the version, kept and put back: folders by Homeostat, the rest by the loop's own functions."""
