"""How good answers are likely to be before their labels come, or where only some labels count."""
