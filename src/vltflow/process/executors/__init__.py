"""Where jobs run: five verbs, and the executor of this machine.

Takes job descriptions as plain data, gives outcomes with the folder of what was made.
Knows neither the store nor what a job means.
"""

from vltflow.process.executors.interface import (
    Ending,
    Executor,
    ExecutorState,
    Health,
    JobSpec,
    Outcome,
)
from vltflow.process.executors.local import LocalExecutor

__all__ = [
    "Ending",
    "Executor",
    "ExecutorState",
    "Health",
    "JobSpec",
    "LocalExecutor",
    "Outcome",
]
