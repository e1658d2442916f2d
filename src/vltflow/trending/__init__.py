"""How instruments are over time: Health Check plots, their scores, correlations.

Takes values, scores and events from the store and what to look at from the definitions;
gives numbers that pages and commands show. Never changes anything.
"""

from vltflow.trending.correlation import Correlation, correlate
from vltflow.trending.export import EXPORTS, exported, formats
from vltflow.trending.ranges import RANGES, TimeRange, time_range
from vltflow.trending.scores import HealthScores, ReportScore, health_scores
from vltflow.trending.series import Question, Series, average, decimated, part, series_of, view

__all__ = [
    "EXPORTS",
    "RANGES",
    "Correlation",
    "HealthScores",
    "Question",
    "ReportScore",
    "Series",
    "TimeRange",
    "average",
    "correlate",
    "decimated",
    "exported",
    "formats",
    "health_scores",
    "part",
    "series_of",
    "time_range",
    "view",
]
