"""What was not measured: memory and time from shapes, formulas and the records there are.

Estimates are told apart from measurements by their types: nothing here makes a record. Whatever
is fitted is fitted on records handed in, so new results change the answers without a new release.
"""
