"""Where light of a wavelength lands: an echelle spectrograph from its optics.

A ray leaves the echelle by the grating equation for conical diffraction, passes the white
pupil, is dispersed across the orders by a second grating whose angle puts the central
wavelength on the axis, and is imaged by the camera (Schroeder, Astronomical Optics, 2nd
edition, chapters 13 to 15). Any central wavelength works.

Detector coordinates are those of ESO's rotated frames: x along the dispersion, y across the
orders, the centre of the first pixel is (1, 1), unbinned pixels of the real chip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

PIXEL_MM = 0.015
_RANGE = np.linspace(0.988, 1.010, 49)
"""Share of the blaze wavelength that chips may see; beyond, light grazes the echelle."""
_HEIGHT = 1e-3
"""Angle (radian) at which the image of a slit point off the centre is traced."""


@dataclass(frozen=True, slots=True)
class CrossDisperser:
    """A cross-dispersing grating as mounted."""

    name: str
    grooves: float
    """Lines per mm."""
    roll: float
    """Rotation of its grooves against the echelle's plane, radian."""
    shift: tuple[float, float]
    """Displacement of the spectrum, pixels."""


@dataclass(frozen=True, slots=True)
class ChipPlace:
    """Where a chip lies in the focal plane: pixel of the optical axis, and rotation (radian)."""

    x: float
    y: float
    rotation: float


@dataclass(frozen=True, slots=True)
class Slit:
    """What turns and bends the image of a straight slit against the columns.

    Light from a point of the slit off its centre meets the echelle at another angle to the
    plane of dispersion, which moves it along x: a tilt of 2 tan(beta) tan(gamma), with beta the
    angle of diffraction, and a parabola (Schroeder, chapter 13; Ballester & Rosa 1997).
    """

    off_plane: float
    """Angle gamma of the slit's centre to the plane of dispersion, radian."""
    rotation: float
    """Rotation of the slit that makes its image nearly parallel to the columns, as a slope."""
    curvature: float
    """Share of the echelle's curvature that the camera leaves."""


@dataclass(frozen=True, slots=True)
class Spectrograph:
    """One arm: echelle, camera and focal plane. Angles in radian, lengths in mm."""

    grooves: float
    """Echelle lines per mm."""
    incidence: float
    off_plane: float
    """Angle of the beam to the echelle's plane of dispersion."""
    axis: float
    """Diffraction angle of the camera's axis."""
    fold: float
    """Tilt of the beam between echelle and cross-disperser."""
    half_angle: float
    """Half of the fixed angle between the beams at the cross-disperser."""
    focal_length: float
    reference: float
    """Wavelength (Angstrom) at which `focal_length` holds."""
    chromatism: tuple[float, float]
    """Relative change of the focal length, linear and quadratic in relative wavelength."""
    distortion: float
    distortion_centre: tuple[float, float]
    tilt: tuple[float, float]
    """Change of scale along x and y because the focal plane is tilted, per 2000 pixels."""

    @property
    def blaze_constant(self) -> float:
        """Order times wavelength at the middle of the blaze, Angstrom."""
        angles = np.sin(self.incidence) + np.sin(self.axis)
        return float(angles * np.cos(self.off_plane) / self.grooves * 1e7)

    def image(
        self, order: int, wave: np.ndarray, central_nm: float, disperser: CrossDisperser
    ) -> tuple[np.ndarray, np.ndarray]:
        """Focal-plane position in pixels from the axis.

        Parameters
        ----------
        order
            Order of diffraction at the echelle.
        wave
            Wavelengths in the air of the spectrograph, Angstrom.
        """
        length = wave * 1e-7
        along, across, normal = self._after_echelle(order, length)
        c, s = np.cos(disperser.roll), np.sin(disperser.roll)
        along, across = along * c - across * s, along * s + across * c
        central = central_nm * 1e-6 * disperser.grooves / (2.0 * np.cos(self.half_angle))
        turn = np.arcsin(central)
        enter, leave = turn + self.half_angle, turn - self.half_angle
        out = length * disperser.grooves - normal * np.sin(enter) - across * np.cos(enter)
        forward = np.sqrt(1.0 - out**2 - along**2)
        depth = forward * np.cos(leave) + out * np.sin(leave)
        relative = (wave - self.reference) / self.reference
        chromatic = 1.0 + self.chromatism[0] * relative + self.chromatism[1] * relative**2
        scale = self.focal_length * chromatic / PIXEL_MM / depth
        x, y = scale * along, scale * (out * np.cos(leave) - forward * np.sin(leave))
        return self._distort(x, y)

    def _after_echelle(
        self, order: int, length: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        cg, sg = np.cos(self.off_plane), np.sin(self.off_plane)
        sine = order * length * self.grooves / cg - np.sin(self.incidence)
        angle = np.arcsin(sine) - self.axis
        normal, along = cg * np.cos(angle), cg * np.sin(angle)
        ct, st = np.cos(self.fold), np.sin(self.fold)
        return along, -normal * st + sg * ct, normal * ct + sg * st

    def _distort(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        stretch = 1.0 + (self.tilt[0] * x + self.tilt[1] * y) / 2000.0
        x, y = x * stretch, y * stretch
        dx, dy = x - self.distortion_centre[0], y - self.distortion_centre[1]
        radial = self.distortion * (dx**2 + dy**2) / 2000.0**2
        return x + dx * radial, y + dy * radial


@dataclass(frozen=True)
class EchelleFormat:
    """All orders on one chip; arrays (n_order, n_x) at the samples of the grid along x."""

    orders: np.ndarray
    """Absolute order numbers."""
    trace: np.ndarray
    """y of the slit centre, 0-based pixels of the frame (binned, small), rotated frame."""
    wave_vac: np.ndarray
    """Vacuum wavelength, Angstrom."""
    blaze: np.ndarray
    """Blaze function, 1 at the peak."""
    dispersion: np.ndarray
    """Angstrom per pixel of the frame."""
    tilt: np.ndarray
    """Shift of the slit's image along x per pixel of height above its centre: pixel per pixel."""
    curvature: np.ndarray
    """Shift along x per squared pixel of height, 1 / pixel.

    A pixel at x and height d has the wavelength of the centre at x - tilt * d - curvature * d**2.
    """

    def on_pixels(self, grid: Grid) -> EchelleFormat:
        """The same at the centres of the frame's pixels; `grid` is the one sampled."""
        parts = {
            name: getattr(self, name)[:, grid.pixels()]
            for name in ("trace", "wave_vac", "blaze", "dispersion", "tilt", "curvature")
        }
        return EchelleFormat(self.orders, **parts)


@dataclass(frozen=True, slots=True)
class Grid:
    """Pixels along and across, in the rotated frame, of what is read out."""

    nx: int
    ny: int
    step: float
    """Unbinned pixels per pixel."""
    zoom: float
    """Extra magnification across the orders, about `middle`."""
    middle: float
    """y of the chip's centre, unbinned pixels, 1-based."""
    origin: tuple[int, int] = (0, 0)
    """First unbinned pixel (x, y) that is read out, from 0."""
    fine: int = 1
    """Samples per pixel along x."""
    rim: int = 0
    """Pixels of the frame before its first and after its last column that are sampled too."""

    def x_real(self) -> np.ndarray:
        """Unbinned x (1-based) of the samples; every `fine`-th one is a pixel's centre."""
        pixel = np.arange((self.nx - 1 + 2 * self.rim) * self.fine + 1) / self.fine - self.rim
        return self.origin[0] + (pixel + 0.5) * self.step + 0.5

    def pixels(self) -> slice:
        """The samples at the centres of the frame's pixels."""
        first = self.rim * self.fine
        return slice(first, first + (self.nx - 1) * self.fine + 1, self.fine)

    def y_frame(self, y: np.ndarray) -> np.ndarray:
        """Pixel of the frame (0-based) of an unbinned 1-based y."""
        magnified = (y - self.middle) * self.zoom + self.middle
        return (magnified - self.origin[1] - 0.5) / self.step - 0.5


def echelle_format(  # noqa: PLR0913
    spectrograph: Spectrograph,
    disperser: CrossDisperser,
    place: ChipPlace,
    central_nm: float,
    grid: Grid,
    *,
    slit: Slit,
    refraction: float,
    drift: tuple[float, float] = (0.0, 0.0),
    margin: float = 20.0,
) -> EchelleFormat:
    """The orders that fall on a chip.

    Parameters
    ----------
    slit
        Tilt and curvature of the slit's image.
    refraction
        Refractive index of the air in the spectrograph.
    drift
        Shift of the format along x and y, unbinned pixels.
    margin
        Orders whose centre passes the chip's rim by less than this many pixels count.
    """
    constant = spectrograph.blaze_constant
    x_real = grid.x_real()
    orders: list[int] = []
    rows: list[tuple[np.ndarray, ...]] = []
    lowest, highest = constant / (13.0 * central_nm), constant / (7.0 * central_nm)
    for order in range(max(10, int(lowest)), int(highest) + 1):
        wave = constant / order * _RANGE
        x, y = spectrograph.image(order, wave, central_nm, disperser)
        c, s = np.cos(place.rotation), np.sin(place.rotation)
        column = place.x + disperser.shift[0] + drift[0] + x * c - y * s
        row = place.y + disperser.shift[1] + drift[1] + x * s + y * c
        rough = grid.y_frame(row)[(column > x_real[0] - 200.0) & (column < x_real[-1] + 200.0)]
        if not np.any((rough > -margin) & (rough < grid.ny + margin)):
            continue
        trace = grid.y_frame(_smooth(column, row, x_real))
        bend = _slit_image(spectrograph, order, wave, central_nm, disperser, slit)
        orders.append(order)
        rows.append((trace, *(_smooth(column, part, x_real) for part in (wave, *bend))))
    trace, wave, tilt, curvature = np.array(rows).transpose(1, 0, 2)
    wave_vac = wave * refraction
    phase = np.array(orders)[:, None] - constant * refraction / wave_vac
    return EchelleFormat(
        orders=np.array(orders),
        trace=trace,
        wave_vac=wave_vac,
        blaze=np.sinc(phase) ** 2,
        dispersion=np.gradient(wave_vac, axis=1) * grid.fine,
        # Heights are magnified by zoom, and both axes are counted in pixels of the frame.
        tilt=tilt / grid.zoom,
        curvature=curvature * grid.step / grid.zoom**2,
    )


def _slit_image(
    spectrograph: Spectrograph,
    order: int,
    wave: np.ndarray,
    central_nm: float,
    disperser: CrossDisperser,
    slit: Slit,
) -> tuple[np.ndarray, np.ndarray]:
    """Tilt (pixel per pixel) and curvature (1 / pixel) at each wavelength, unbinned pixels."""
    places = [
        replace(spectrograph, off_plane=slit.off_plane + height).image(
            order, wave, central_nm, disperser
        )
        for height in (-_HEIGHT, 0.0, _HEIGHT)
    ]
    (x_low, y_low), (x_mid, _), (x_high, y_high) = places
    half = 0.5 * (y_high - y_low)
    tilt = 0.5 * (x_high - x_low) / half + slit.rotation
    return tilt, slit.curvature * (0.5 * (x_high + x_low) - x_mid) / half**2


def _smooth(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Polynomial of degree 7 through (x, y): optics are smooth, far below 0.001 pixel."""
    series = np.polynomial.Chebyshev.fit(x, y, 7)
    return np.asarray(series(at))
