import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from vltflow.core.errors import StoreError
from vltflow.records import QcParameter
from vltflow.store import Store, schema
from vltflow.store.database import open_engine, reading, writing
from vltflow.store.migrate import HEAD


@pytest.fixture
def engine(empty_database):
    opened = open_engine(empty_database)
    yield opened
    opened.dispose()


def open_once(database: str) -> None:
    Store(database, "memory://vault").close()


def tables(engine) -> set[str]:
    with reading(engine) as connection:
        return set(inspect(connection).get_table_names())


def test_migrated_tables_are_those_of_the_schema(empty_database, engine):
    open_once(empty_database)
    with reading(engine) as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []


def test_texts_sort_by_code_point_in_every_column(postgresql_database):
    open_once(postgresql_database)
    engine = open_engine(postgresql_database)
    with reading(engine) as connection:
        other = connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns "
                "WHERE table_schema = 'public' AND data_type = 'character varying' "
                "AND collation_name IS DISTINCT FROM 'C' AND table_name <> 'alembic_version'"
            )
        ).all()
    engine.dispose()
    assert other == []


def test_the_code_knows_the_latest_migration():
    scripts = ScriptDirectory(f"{__import__('vltflow').__path__[0]}/store/migrations")
    assert scripts.get_current_head() == HEAD


def test_opening_again_changes_nothing(empty_database, engine):
    open_once(empty_database)
    before = tables(engine)
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO setup (label, match_keys) VALUES ('a', 'b')"))
    open_once(empty_database)
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM setup")) == 1
    assert tables(engine) == before


def test_a_registry_of_a_newer_version_is_refused_and_left_alone(empty_database, engine):
    open_once(empty_database)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer version \(9999.*Install the newer vltflow"):
        open_once(empty_database)
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_a_migration_that_fails_leaves_nothing(empty_database, engine):
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE verdict (something INTEGER)"))
    with pytest.raises(StoreError, match="verdict"):
        open_once(empty_database)
    assert tables(engine) == {"verdict"}


def test_opening_waits_for_no_writer(empty_database, engine):
    open_once(empty_database)
    with writing(engine):
        open_once(empty_database)


@pytest.mark.slow
def test_processes_that_open_a_new_site_at_once_all_succeed(empty_database, start):
    code = "Store(sys.argv[1], 'memory://vault').close()"
    processes = [start(code, empty_database) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite:////nowhere/at/all.sqlite", "unable to open"),
        ("sqlite://", "memory"),
        ("sqlite:///:memory:", "memory"),
        ("mysql://user:secret@host/name", "mysql"),
        ("no url", "cannot be used"),
        ("postgresql+psycopg://user:secret@127.0.0.1:1/name", "registry"),
        ("postgresql+nodriver://user:secret@host/name", "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_opened_is_explained_without_its_password(url, complaint):
    with pytest.raises(StoreError, match=complaint) as caught:
        open_once(url)
    assert "secret" not in str(caught.value)


def test_a_catalogue_of_parameters_from_before_their_formats_is_kept(empty_database, engine):
    with writing(engine) as connection:
        config = Config()
        config.set_main_option("script_location", "vltflow.store:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(
            text("INSERT INTO qc_parameter VALUES ('UVES', 'QC RON', 'ADU', 'noise')")
        )
    store = Store(empty_database, "memory://vault")
    with store.read() as look:
        assert look.quality.parameters("UVES") == [QcParameter("UVES", "QC RON", "ADU", "noise")]
    store.close()
