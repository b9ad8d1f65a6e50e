"""System C: heart rate from faces by a network that was trained on other pictures.

`recipe` says what is learnt and how, `samples` what from, `splits` from whom; `learn` does it.
"""
