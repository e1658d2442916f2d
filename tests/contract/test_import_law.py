"""The law of imports, as declared in pyproject.toml."""

from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports


def test_every_import_keeps_to_the_floors(capsys) -> None:
    configuration = Path(__file__).parents[2] / "pyproject.toml"
    status = lint_imports(config_filename=str(configuration), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out
