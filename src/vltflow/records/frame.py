"""What arrives: raw frames, and files that could not be accepted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A raw FITS frame that is whole, known by its content and stays where it lies."""

    frame_id: str
    """SHA-256 of the uncompressed file, 64 hex digits."""
    name: str
    """ESO's archive name without suffix: ``UVES.2015-02-26T10:46:39.756``."""
    instrument: str
    """Name of the instrument definition, in capitals: ``UVES``."""
    location: str
    """Absolute path or URL of the file as it was ingested (perhaps compressed)."""
    size: int
    """Bytes at `location`."""
    mjd_obs: float
    """Start of the exposure, Modified Julian Date in UT."""
    night: str
    """ISO date of the evening (noon UT to noon UT)."""
    exptime: float
    """Exposure time in seconds."""
    dpr_catg: str = ""
    dpr_type: str = ""
    dpr_tech: str = ""
    tpl_id: str = ""
    tpl_start: str = ""
    tpl_nexp: int = 1
    tpl_expno: int = 1
    obs_id: int = 0
    prog_id: str = ""
    object_name: str = ""
    """OBS TARG NAME."""
    repairs: tuple[str, ...] = ()
    """Names of the keyword repairs applied at ingestion, in order."""
    raw_type: str = ""
    """Set by classification: ``BIAS_BLUE``; empty while unknown."""
    setup: str = ""
    """Set by classification: label of the setup, ``1x1_390nm_CD#2_0.8``."""
    setup_keys: str = ""
    """Set by classification: canonical JSON of the keyword values that association matches."""
    context: str = ""
    """Hash of the instrument definition that classified the frame; empty before."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file that was refused, with a reason a person understands."""

    location: str
    reason: str
    """Sentence: what is wrong and what to do."""
    code: str
    """``code`` of the error class: ``unreadable_file``, ``invalid_header``, ``conflict`` ..."""
    size: int
    fingerprint: str = ""
    """SHA-256 of the file's bytes where they could be read."""
    found: str = ""
    """UT time of the rejection, ISO 8601."""
