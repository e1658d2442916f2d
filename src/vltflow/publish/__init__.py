"""Publish: science products that keep to ESO's Science Data Products standard.

Takes certified spectra from the store and gives science products with all that the standard
wants (``run``), versioned, each judged before anybody sees it. Below that: a product file of
arrays and a description (``spectrum_file``), its preview (``preview``), and the judge of
anybody's files (``validation``). Never reduces data.
"""

from vltflow.publish.producing import helpers
from vltflow.publish.run import Published, run

__all__ = ["Published", "helpers", "run"]
