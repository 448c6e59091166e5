"""What a version was made of: recorded in its folder, compared, and made again on demand."""
