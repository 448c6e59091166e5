"""The steps that make a candidate: what each takes, what decides it, and what it gives, over the ports of training.

``homeostat.app.training.candidate`` puts them in order and stages the version. Each module here builds steps of one
kind, as values of ``homeostat.training.steps``; nothing runs before they do.
"""
