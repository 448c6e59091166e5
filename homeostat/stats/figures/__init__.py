"""How good answers were: sums of labelled rows that add over blocks, and every figure that reads them."""
