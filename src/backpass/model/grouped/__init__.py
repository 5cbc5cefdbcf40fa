"""Grouped models: one small network for each group of rows, all in one file.

Reading order: ``options`` says which settings apply, ``groups`` divides the rows, ``scales`` standardizes each group by
itself, ``fit`` trains, ``grouped_model`` predicts and scores, ``saving`` and ``loading`` read and write the file.
"""
