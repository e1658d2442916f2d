"""The nouns that travel between the rooms, as frozen records without behaviour."""

from vltflow.records.account import RIGHTS, Account, ApiToken, Right, Role, Session, account_name
from vltflow.records.block import (
    AssociationBlock,
    BlockState,
    BlockSummary,
    MasterMatch,
    MatchState,
)
from vltflow.records.campaign import Batch, BatchState, Campaign
from vltflow.records.event import Event
from vltflow.records.figure import QcFigure
from vltflow.records.frame import Quarantined, RawFrame
from vltflow.records.health import HealthEvent, HiddenValue, SavedPlot
from vltflow.records.history import HistoricalProduct, HistoricalValue
from vltflow.records.job import ACTIVE_STATES, FINAL_STATES, Job, JobState
from vltflow.records.product import Master, MasterState, Product, ProductState
from vltflow.records.quality import (
    Colour,
    Decision,
    QcParameter,
    QcValue,
    Score,
    Threshold,
    ThresholdMethod,
    Verdict,
    score_bits,
    score_text,
)
from vltflow.records.science import (
    AssociatedFile,
    Cone,
    Download,
    ScienceProduct,
    ScienceQuery,
    ScienceState,
)
from vltflow.records.static import StaticCalibration, StaticState

__all__ = [
    "ACTIVE_STATES",
    "FINAL_STATES",
    "RIGHTS",
    "Account",
    "ApiToken",
    "AssociatedFile",
    "AssociationBlock",
    "Batch",
    "BatchState",
    "BlockState",
    "BlockSummary",
    "Campaign",
    "Colour",
    "Cone",
    "Decision",
    "Download",
    "Event",
    "HealthEvent",
    "HiddenValue",
    "HistoricalProduct",
    "HistoricalValue",
    "Job",
    "JobState",
    "Master",
    "MasterMatch",
    "MasterState",
    "MatchState",
    "Product",
    "ProductState",
    "QcFigure",
    "QcParameter",
    "QcValue",
    "Quarantined",
    "RawFrame",
    "Right",
    "Role",
    "SavedPlot",
    "ScienceProduct",
    "ScienceQuery",
    "ScienceState",
    "Score",
    "Session",
    "StaticCalibration",
    "StaticState",
    "Threshold",
    "ThresholdMethod",
    "Verdict",
    "account_name",
    "score_bits",
    "score_text",
]
