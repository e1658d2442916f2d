"""Process: runs the recipe of each planned AB, once, whatever is killed meanwhile.

Takes ABs with state PLANNED, gives jobs and products in state CREATED.
One scheduler a store; jobs run in an executor behind five verbs.
Never judges a product, never chooses a calibration.
"""

from vltflow.process.control import abort, retry
from vltflow.process.executors import LocalExecutor
from vltflow.process.report import ProcessReport, Progress
from vltflow.process.run import run
from vltflow.process.trial import Trial, tried

__all__ = ["LocalExecutor", "ProcessReport", "Progress", "Trial", "abort", "retry", "run", "tried"]
