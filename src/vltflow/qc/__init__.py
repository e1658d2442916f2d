"""QC: says how good the products of an AB are.

Takes ABs with new products; gives QC1 values, scores against fixed and running
limits, and one report page an AB, all from the same arrays and headers.
Never decides what may be used. Which runner made a product matters only to thresholds
that say so.
"""

from vltflow.qc.measure import quality_keywords
from vltflow.qc.run import BlockScore, declared, report_page, run

__all__ = ["BlockScore", "declared", "quality_keywords", "report_page", "run"]
