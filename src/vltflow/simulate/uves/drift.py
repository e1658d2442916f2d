"""How the echelle format moves with the weather."""

from __future__ import annotations

from vltflow.simulate.conditions import pressure, temperature


def format_drift(arm: str, mjd: float) -> tuple[float, float]:
    """Shift of the echelle format along x and y in pixels, by temperature and pressure."""
    dt, dp = temperature(mjd) - 12.4, pressure(mjd) - 743.0
    return (
        (0.35 * dt - 0.05 * dp, -0.45 * dt) if arm == "blue" else (0.28 * dt - 0.05 * dp, 0.3 * dt)
    )
