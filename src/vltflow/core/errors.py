"""The errors of vltflow, one tree.

::

    VltflowError
    ├── UserError                 wrong use: a command, a configuration, an unknown name
    │   ├── ConfigurationError    a site or instrument file that breaks its schema
    │   ├── UnknownName           a record, instrument or recipe nobody has heard of
    │   ├── RunnerMissing         a program or plug-in that a recipe needs is not installed
    │   └── SiteBusy              somebody else runs this site at the moment
    ├── DataError                 this input cannot be used as it is
    │   ├── UnreadableFile        truncated, not FITS, empty, forbidden, checksum wrong
    │   ├── InvalidHeader         a keyword is missing or has a value it cannot have
    │   ├── Unclassifiable        no rule of the instrument recognises the frame
    │   ├── MissingCalibration    no master within the ranges of the association rules
    │   └── UnprocessableData     whole and recognised, but the recipe can never use it
    ├── RecipeError               a recipe did not end well
    │   ├── AlgorithmFailure      it would fail again on the same input; carries numbers
    │   ├── RecipeCrashed         its process died: signal, memory, exit code
    │   ├── RecipeTimeout         it used more wall time than it declared
    │   └── DoesNotFit            it asks for more cores or memory than the site has
    └── StoreError                the store refused or lost something
        ├── Conflict              the record changed meanwhile, or exists with other content
        ├── ValidityOverlap       two masters of one type and setup claim the same time
        ├── VaultError            bytes could not be kept or read: disk full, read-only, damaged
        └── NotFound              no record or file with this identifier

Every message says what is wrong, where, and what to do. ``code`` is the stable
name under which an error is stored with the record it belongs to.
"""

from __future__ import annotations

from typing import ClassVar


class VltflowError(Exception):
    """Root of all errors that vltflow raises on purpose."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message.rstrip('.')}. {hint}".strip() if hint else message)


class UserError(VltflowError):
    """The command, configuration or name given by the user is wrong."""

    code = "user"


class ConfigurationError(UserError):
    """A site or instrument file breaks its schema; names file, key and value."""

    code = "configuration"


class UnknownName(UserError):
    """A name that no record, instrument or recipe bears."""

    code = "unknown_name"


class RunnerMissing(UserError):
    """A program or plug-in that a recipe needs is not installed; says how to install it."""

    code = "runner_missing"


class SiteBusy(UserError):
    """Another scheduler runs this site."""

    code = "site_busy"


class DataError(VltflowError):
    """An input that cannot be used as it is."""

    code = "data"


class UnreadableFile(DataError):
    """A file that is truncated, empty, not FITS, forbidden or damaged."""

    code = "unreadable_file"


class InvalidHeader(DataError):
    """A header that misses a keyword or has a value that cannot be."""

    code = "invalid_header"


class Unclassifiable(DataError):
    """No classification rule recognises the frame."""

    code = "unclassifiable"


class MissingCalibration(DataError):
    """No master calibration within the ranges of the association rules."""

    code = "missing_calibration"


class UnprocessableData(DataError):
    """Input that is whole and recognised, but can never be processed."""

    code = "unprocessable_data"


class RecipeError(VltflowError):
    """A recipe did not end well."""

    code = "recipe"


class AlgorithmFailure(RecipeError):
    """A failure that the same input would bring again; carries the numbers that show it."""

    code = "algorithm_failure"

    def __init__(self, message: str, *, numbers: dict[str, float], hint: str = "") -> None:
        shown = ", ".join(f"{name}={value:g}" for name, value in numbers.items())
        super().__init__(f"{message} ({shown})" if shown else message, hint=hint)
        self.numbers = numbers


class RecipeCrashed(RecipeError):
    """The process of a recipe died before it could answer."""

    code = "recipe_crashed"


class RecipeTimeout(RecipeError):
    """A recipe used more wall time than its job declared."""

    code = "recipe_timeout"


class DoesNotFit(RecipeError):
    """A job asks for more cores or memory than the site has."""

    code = "does_not_fit"


class StoreError(VltflowError):
    """The store refused or lost something."""

    code = "store"


class Conflict(StoreError):
    """A record changed meanwhile, or exists with other content."""

    code = "conflict"


class ValidityOverlap(StoreError):
    """Two masters of one type and setup claim the same time."""

    code = "validity_overlap"


class VaultError(StoreError):
    """Bytes could not be kept or read."""

    code = "vault"


class NotFound(StoreError):
    """No record or file with this identifier."""

    code = "not_found"
