"""When a figure changed and how it does: moments, shapes, and quality by age."""
