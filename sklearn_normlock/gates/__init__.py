"""The gate, which answers whether one pipeline may replace another.

Old and new answer the same reference rows. Their answers are compared row by row, overall and by cohort, and each
limit that was reviewed is kept, broken, or undecided.
"""
