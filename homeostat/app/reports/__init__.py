"""What a loop was worth month by month, beside the yardsticks that one would have had."""
