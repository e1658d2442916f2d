"""ORDER_TABLE as recipes read it, whoever made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vltflow.recipes.echelle.eso_layout import is_order_table, orders_and_trace
from vltflow.recipes.echelle.guess import Guess, rough_guess
from vltflow.recipes.echelle.light import table_of
from vltflow.recipes.echelle.surfaces import read_surface

if TYPE_CHECKING:
    import numpy as np

    from vltflow.algorithms.surface import Surface
    from vltflow.recipes.declaration import RecipeInputs
    from vltflow.recipes.echelle.parameters import SettingParameters

ROLE = "ORDER_TABLE"


def orders_of(
    inputs: RecipeInputs,
    parameters: SettingParameters,
    shape: tuple[int, int],
    guess: Guess | None = None,
) -> tuple[np.ndarray, Surface]:
    """Orders and y(x, order), pixels from 0, of ORDER_TABLE in the native or in ESO's layout.

    Parameters
    ----------
    parameters
        Which keywords tell the setting: a rough model numbers the orders of ESO's tables, which
        count them from 1.
    shape
        Rows and columns of the chip.
    guess
        That model, where it is known already.

    Raises
    ------
    UnprocessableData
        The table was not given, or is in neither layout; or it is ESO's and there is no
        SPECTRAL_FORMAT_TAB.
    """
    table_of(inputs, ROLE, "", ())
    master = inputs.tables[ROLE]
    if is_order_table(master):
        model = guess or rough_guess(inputs, parameters, shape)
        return orders_and_trace(master, model.place, shape[1])
    rows = table_of(inputs, ROLE, "ORDERS", ("ORDER",))
    return rows["ORDER"], read_surface(master, "TRACE", pixels=True)
