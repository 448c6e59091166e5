"""What people are shown of a home, as values; the dashboard and the commands show the same."""
