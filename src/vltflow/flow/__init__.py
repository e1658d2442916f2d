"""Who runs the rooms: the daily calibration loop, decisions carried through, the monitor.

Takes a store, a site and an instrument definition; wires the rooms in their order.
Never works on pixels and never writes SQL.
"""

from vltflow.flow.decisions import decide
from vltflow.flow.monitor import MonitorRow, monitor
from vltflow.flow.night import NightReport, run_night
from vltflow.flow.order import ROOMS

__all__ = ["ROOMS", "MonitorRow", "NightReport", "decide", "monitor", "run_night"]
