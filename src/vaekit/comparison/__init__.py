"""`vaekit compare`: several methods on the same data, every row of the lesson's table measured.

compare.py        the command: plan, sub-runs, table, page
plan.py           what is compared, checked before any training; budgets as numbers of epochs
subruns.py        trains and measures one sub-run after the other; resumes where it was interrupted
measure.py        the figures of one run, by what its model can do
rows.py           the rows of the table; means and spreads over seeds
claims.py         the rule by which a sentence is judged
chance.py         Student's t and what else few seeds ask for
lesson_claims.py  the lesson's sentences
pictures.py       what the methods draw of the same images
page.py           comparison.html
"""
