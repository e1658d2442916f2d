"""Who runs the rooms: the daily calibration loop, decisions carried through, the monitor.

Takes a store, a site and an instrument definition; wires the rooms in their order.
Never works on pixels and never writes SQL. Import from its modules: each of them
needs other rooms, and the monitor needs none.
"""

from vltflow.flow.order import ROOMS

__all__ = ["ROOMS"]
