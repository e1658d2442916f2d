"""Pure numerics on arrays: stacking, statistics, orientation, pixel response.

Takes numpy arrays and plain numbers, gives numpy arrays and plain numbers, with the
variance carried through. Compiled kernels release the GIL and work on blocks of rows.
Never reads a file, knows no instrument, keeps no state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vltflow.core.lazy import from_modules

if TYPE_CHECKING:
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

__getattr__ = from_modules(
    __name__,
    {
        "DIFFERENCE_BINS": "statistics",
        "Histogram": "statistics",
        "Illumination": "flat_statistics",
        "ImageSummary": "statistics",
        "PixelResponse": "response",
        "Quality": "quality",
        "Region": "regions",
        "ResponseStatistics": "flat_statistics",
        "StackRule": "combine",
        "clipped_mean": "statistics",
        "combine_block": "combine",
        "difference_histogram": "statistics",
        "downsample": "statistics",
        "flag_deviating": "statistics",
        "flag_response": "flat_statistics",
        "illumination": "flat_statistics",
        "mean_variance": "order_statistics",
        "median_variance": "order_statistics",
        "over_blocks": "blocks",
        "pixel_response": "response",
        "region_grid": "regions",
        "region_statistics": "regions",
        "row_blocks": "blocks",
        "structure": "statistics",
        "sum_below": "statistics",
        "summarise": "statistics",
        "to_product": "orientation",
        "to_raw": "orientation",
    },
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
