"""Runners: how a recipe is executed in the folder of its job.

Takes a job description, gives a result and files in the folder. Knows neither the
registry nor the scheduler; runs in a worker process.
"""
