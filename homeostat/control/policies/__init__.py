"""When retraining pays: policies as values, judged purely from one situation, and explained in full.

Owns the kinds of policy, how they are combined, what stands around them (cool-down, budget, quiet hours, a person),
and how a stored verdict is made again. Reads nothing itself: ``control.reading`` makes the situation.
"""
