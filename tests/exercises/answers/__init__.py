"""Answers to each exercise that nobody planted in it: RIGHT ones written in other ways, and WRONG ones, by name.

An answer to an exercise that is checked with a context may be a function of this context.
"""
