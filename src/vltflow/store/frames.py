"""Frames in the registry."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from sys import intern
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from vltflow.core.errors import NotFound
from vltflow.records import RawFrame
from vltflow.store import schema
from vltflow.store.events import Events
from vltflow.store.rows import BULK, chunks, insert_rows, pack_list, unpack_list, values_of
from vltflow.store.setups import Setups

_SETUP_FIELDS = ("setup", "setup_keys", "repairs")
_PLAIN = [field.name for field in fields(RawFrame) if field.name in schema.frame.c]
_COLUMNS = [*(schema.frame.c[name] for name in _PLAIN), schema.frame.c.setup_number]
_STREAMED = {"yield_per": BULK}  # millions of rows must not be in memory at once
# Few different texts stand in millions of frames: one object each saves half the memory.
_REPEATED = [
    position
    for position, name in enumerate(_PLAIN)
    if name not in {"frame_id", "name", "location", "repairs"}
    and schema.frame.c[name].type.python_type is str
]


def pack_headers(headers: Sequence[Mapping[str, Any]]) -> bytes:
    """Headers of all HDUs of a frame as compressed JSON; complex numbers become text."""
    text = json.dumps([dict(header) for header in headers], separators=(",", ":"), default=str)
    return zlib.compress(text.encode(), 1)


def unpack_headers(packed: bytes) -> tuple[dict[str, Any], ...]:
    """Headers of all HDUs from their compressed form."""
    return tuple(json.loads(zlib.decompress(packed)))


class WaitingFrame(NamedTuple):
    """A classified frame outside any AB, in brief: there may be millions."""

    frame_id: str
    name: str
    night: str
    mjd_obs: float
    exptime: float
    raw_type: str
    tpl_start: str
    tpl_nexp: int
    tpl_expno: int
    setup: str
    setup_keys: str


class Frames:
    """Raw frames: what arrived, what it is, which AB it belongs to."""

    def __init__(self, connection: Connection, events: Events, setups: Setups) -> None:
        self._connection = connection
        self._events = events
        self._setups = setups

    def add(self, frames: Sequence[tuple[RawFrame, bytes]]) -> None:
        """Register new frames with their packed headers.

        Raises
        ------
        Conflict
            If a frame with the same id or name is registered.
        """
        rows = (
            values_of(frame, without=_SETUP_FIELDS)
            | {"repairs": pack_list(frame.repairs), "setup_number": self._setup_number(frame)}
            for frame, _ in frames
        )
        insert_rows(self._connection, schema.frame, rows)
        headers = ({"frame_id": frame.frame_id, "headers": packed} for frame, packed in frames)
        insert_rows(self._connection, schema.frame_header, headers)
        self._events.add_many("frame", [(frame.name, "created") for frame, _ in frames])

    def known(self, frame_ids: Iterable[str]) -> set[str]:
        """Those of the frame ids that are registered."""
        column = schema.frame.c.frame_id
        return {
            found
            for chunk in chunks(frame_ids)
            for found in self._connection.scalars(select(column).where(column.in_(chunk)))
        }

    def by_name(self, names: Iterable[str]) -> dict[str, RawFrame]:
        """Registered frames with these names."""
        found = self._where_in(schema.frame.c.name, names)
        return {frame.name: frame for frame in found}

    def by_id(self, frame_ids: Iterable[str]) -> dict[str, RawFrame]:
        """Registered frames with these ids."""
        return {
            frame.frame_id: frame for frame in self._where_in(schema.frame.c.frame_id, frame_ids)
        }

    def of_block(self, block: str) -> tuple[RawFrame, ...]:
        """Frames of an AB, by time."""
        return tuple(self._select(schema.frame.c.block == block))

    def of_blocks(self, blocks: Iterable[str]) -> dict[str, tuple[RawFrame, ...]]:
        """Frames of several ABs, by time."""
        result: dict[str, list[RawFrame]] = {}
        table = schema.frame.c
        for chunk in chunks(blocks):
            statement = select(*_COLUMNS, table.block).where(table.block.in_(chunk))
            for row in self._connection.execute(statement.order_by(table.mjd_obs, table.name)):
                result.setdefault(row.block, []).append(self._record(row))
        return {name: tuple(frames) for name, frames in result.items()}

    def find(
        self,
        *,
        instrument: str | None = None,
        night: str | None = None,
        raw_type: str | None = None,
        mjd: tuple[float, float] | None = None,
    ) -> Iterator[RawFrame]:
        """Frames by instrument, night, raw type ('' = unknown) or half-open MJD range, by time."""
        table = schema.frame.c
        conditions = [
            column == value
            for column, value in (
                (table.instrument, instrument),
                (table.night, night),
                (table.raw_type, raw_type),
            )
            if value is not None
        ]
        if mjd is not None:
            conditions += [table.mjd_obs >= mjd[0], table.mjd_obs < mjd[1]]
        return self._stream(*conditions)

    def instruments(self, *, night: str) -> set[str]:
        """Names of the instruments that have frames in a night."""
        table = schema.frame.c
        statement = select(table.instrument).where(table.night == night).distinct()
        return set(self._connection.scalars(statement))

    def unclassified(self, instrument: str, context: str) -> Iterator[RawFrame]:
        """Frames outside any AB that this version of the definition has not classified."""
        table = schema.frame.c
        return self._stream(
            table.instrument == instrument, table.block.is_(None), table.context != context
        )

    def waiting(
        self, instrument: str, limit: int | None = None, after: float = float("-inf")
    ) -> list[RawFrame]:
        """Classified frames outside any AB from MJD `after` on, by time."""
        table = schema.frame.c
        conditions = (
            table.instrument == instrument,
            table.block.is_(None),
            table.raw_type != "",
            table.mjd_obs >= after,
        )
        return list(self._stream(*conditions, limit=limit))

    def waiting_brief(
        self, instrument: str, raw_types: Iterable[str] | None = None
    ) -> Iterator[WaitingFrame]:
        """Classified frames of these raw types (all if None) outside any AB, by time."""
        table = schema.frame.c
        names = WaitingFrame._fields[:9]
        conditions = [table.instrument == instrument, table.block.is_(None), table.raw_type != ""]
        if raw_types is not None:
            conditions.append(table.raw_type.in_(sorted(raw_types)))
        statement = select(*(table[name] for name in names), table.setup_number).where(*conditions)
        for row in self._connection.execute(_by_time(statement), execution_options=_STREAMED):
            yield WaitingFrame._make((*row[:9], *self._setups.value(row[9])))

    def headers(self, frame_id: str) -> tuple[dict[str, Any], ...]:
        """Headers of all HDUs as they were read, keys without HIERARCH.

        Raises
        ------
        NotFound
            If no frame has this id.
        """
        table = schema.frame_header.c
        packed = self._connection.scalar(select(table.headers).where(table.frame_id == frame_id))
        if packed is None:
            raise NotFound(f"no headers of frame {frame_id}")
        return unpack_headers(packed)

    def headers_of(
        self, frame_ids: Iterable[str]
    ) -> Iterator[tuple[str, tuple[dict[str, Any], ...]]]:
        """Frame id and headers of many frames."""
        table = schema.frame_header.c
        for chunk in chunks(frame_ids):
            statement = select(schema.frame_header).where(table.frame_id.in_(chunk))
            for row in self._connection.execute(statement):
                yield row.frame_id, unpack_headers(row.headers)

    def relocate(self, frame_id: str, location: str, size: int) -> None:
        """Note that a frame lies elsewhere now.

        Raises
        ------
        NotFound
            If no frame has this id.
        """
        table = schema.frame
        same = table.c.frame_id == frame_id
        name = self._connection.scalar(select(table.c.name).where(same))
        if name is None:
            raise NotFound(f"no frame {frame_id}")
        self._connection.execute(update(table).where(same).values(location=location, size=size))
        self._events.add("frame", name, f"found at {location}")

    def classify(self, frames: Sequence[RawFrame]) -> None:
        """Store raw type, setup and context of frames.

        Raises
        ------
        NotFound
            If one of them is not registered.
        """
        statement = update(schema.frame).where(schema.frame.c.frame_id == bindparam("key"))
        for chunk in chunks(frames, BULK):
            rows = [
                {
                    "key": frame.frame_id,
                    "raw_type": frame.raw_type,
                    "setup_number": self._setup_number(frame),
                    "context": frame.context,
                }
                for frame in chunk
            ]
            if self._connection.execute(statement, rows).rowcount != len(chunk):
                missing = {frame.frame_id for frame in chunk}.difference(
                    self.known(frame.frame_id for frame in chunk)
                )
                raise NotFound(f"no frame {', '.join(sorted(missing))}")
        changes = [(frame.name, f"classified {frame.raw_type or 'unknown'}") for frame in frames]
        self._events.add_many("frame", changes)

    def _setup_number(self, frame: RawFrame) -> int | None:
        classified = frame.setup or frame.setup_keys
        return self._setups.number(frame.setup, frame.setup_keys) if classified else None

    def _where_in(self, column: Any, values: Iterable[str]) -> Iterator[RawFrame]:
        for chunk in chunks(values):
            yield from self._select(column.in_(chunk))

    def _select(self, *conditions: Any) -> Iterator[RawFrame]:
        statement = select(*_COLUMNS).where(*conditions)
        for row in self._connection.execute(_by_time(statement)):
            yield self._record(row)

    def _stream(self, *conditions: Any, limit: int | None = None) -> Iterator[RawFrame]:
        statement = _by_time(select(*_COLUMNS).where(*conditions)).limit(limit)
        for row in self._connection.execute(statement, execution_options=_STREAMED):
            yield self._record(row)

    def _record(self, row: Any) -> RawFrame:
        values = list(row[: len(_PLAIN)])
        for position in _REPEATED:
            values[position] = intern(values[position])
        setup, keys = self._setups.value(row.setup_number)
        plain = dict(zip(_PLAIN, values, strict=True))
        plain["repairs"] = unpack_list(plain["repairs"])
        return RawFrame(**plain, setup=setup, setup_keys=keys)


def _by_time(statement: Any) -> Any:
    return statement.order_by(schema.frame.c.mjd_obs, schema.frame.c.name)
