"""What is read of bookings besides themselves: kept from the events, made anew at will.

`PROJECTIONS` names them for whoever rebuilds or verifies them.
"""

from booking.projections.listing import NAME, BookingListProjection
from booking.projections.rebuilding import Differences, Rebuilding, Rebuilt

__all__ = ["PROJECTIONS", "BookingListProjection", "Differences", "Rebuilding", "Rebuilt"]

PROJECTIONS = {NAME: Rebuilding}
