"""What is written of a booking is what is read of it."""

from grid_engine.interval import HOUR, Interval
from server.storage.stored_booking import COLUMNS, StoredBooking
from server.storage.tables import Booking


def test_the_columns_that_are_written_are_those_of_the_table_and_of_the_value() -> None:
    booking = StoredBooking(
        id="0",
        grid_id="g",
        code="c",
        location_id=1,
        resource_id=1,
        interval=Interval(0, HOUR),
        status="confirmed",
        created_at=0,
        updated_at=0,
        version=1,
    )
    assert tuple(booking.columns()) == COLUMNS
    assert set(COLUMNS) == {column.name for column in Booking.__table__.columns}  # type: ignore[attr-defined]
