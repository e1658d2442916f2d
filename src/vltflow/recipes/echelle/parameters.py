"""Parameters that all echelle recipes share: which keywords tell the setting."""

from __future__ import annotations

from pydantic import Field

from vltflow.recipes.declaration import Parameters


class SettingParameters(Parameters):
    """Dotted keywords; of several, parted by ``|``, the first that the header has counts."""

    central_wavelength: str = Field(
        default="INS.GRAT1.WLEN|INS.GRAT2.WLEN",
        description="Keywords of the central wavelength [nm].",
    )
    disperser: str = Field(
        default="INS.GRAT1.NAME|INS.GRAT2.NAME",
        description="Keywords of the name of the cross-disperser [no unit].",
    )
