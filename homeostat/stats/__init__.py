"""Pure numbers: metrics, intervals and evidence whose unit is a block of time, distances, power, moments of change.

Owns every formula of the product. Reads and writes nothing. Numbers in, frozen values out;
what is undefined raises NotEnoughData instead of becoming 0. May import the kernel, numpy and scipy.
"""
