"""Recipes with stored results: found by name, run again, and judged against what they store.

recipe_files   a recipe's file, checked field by field
machine        the hardware of a result, by name
rerun          trains and measures as a recipe says; what is done is not repeated
judging        one figure against the stored one
reproduce      `vaekit.reproduce`
"""

from __future__ import annotations
