"""Pure numerics on arrays: stacking, statistics, orientation, pixel response.

Takes numpy arrays and plain numbers, gives numpy arrays and plain numbers, with the
variance carried through. Compiled kernels release the GIL and work on blocks of rows.
Never reads a file, knows no instrument, keeps no state.
"""

from vltflow.algorithms.blocks import over_blocks, row_blocks
from vltflow.algorithms.combine import StackRule, combine_block
from vltflow.algorithms.flat_statistics import (
    Illumination,
    ResponseStatistics,
    flag_response,
    illumination,
)
from vltflow.algorithms.order_statistics import mean_variance, median_variance
from vltflow.algorithms.orientation import to_product, to_raw
from vltflow.algorithms.quality import Quality
from vltflow.algorithms.regions import Region, region_grid, region_statistics
from vltflow.algorithms.response import PixelResponse, pixel_response
from vltflow.algorithms.statistics import (
    DIFFERENCE_BINS,
    Histogram,
    ImageSummary,
    clipped_mean,
    difference_histogram,
    downsample,
    flag_deviating,
    structure,
    sum_below,
    summarise,
)

__all__ = [
    "DIFFERENCE_BINS",
    "Histogram",
    "Illumination",
    "ImageSummary",
    "PixelResponse",
    "Quality",
    "Region",
    "ResponseStatistics",
    "StackRule",
    "clipped_mean",
    "combine_block",
    "difference_histogram",
    "downsample",
    "flag_deviating",
    "flag_response",
    "illumination",
    "mean_variance",
    "median_variance",
    "over_blocks",
    "pixel_response",
    "region_grid",
    "region_statistics",
    "row_blocks",
    "structure",
    "sum_below",
    "summarise",
    "to_product",
    "to_raw",
]
