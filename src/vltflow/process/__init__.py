"""Process: runs the recipe of each planned AB, once, whatever is killed meanwhile.

Takes ABs with state PLANNED, gives jobs and products in state CREATED.
One scheduler a store; jobs run in an executor behind five verbs.
Never judges a product, never chooses a calibration. Import from its modules: worker
processes are many, and load nothing that a recipe does not need.
"""
