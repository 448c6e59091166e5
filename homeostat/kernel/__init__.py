"""What every room shares: errors with a mend, instants and durations, canonical values.

Imports no third party and reads no clock; everything above may import it.
"""
