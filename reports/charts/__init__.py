"""Charts of the pages on models: specified with Altair, drawn by vl-convert when a site is built.

The one door of both. Pages get finished SVG, so they need no script; colours are variables of the
style sheet, so that light, dark and print have their own. A chart costs some tens of milliseconds:
there are some for each model and card, and none for each record (``record_lines`` draws those).
"""
