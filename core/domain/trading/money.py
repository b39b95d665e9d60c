"""Money as Decimal: cents, ticks, and the one way a float becomes money."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, InvalidOperation

from core.errors import ValidationError

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
_PRICE = Decimal("0.000001")
_LARGEST = Decimal("1e15")  # what DECIMAL(18,2) holds, with room to add up


def decimal_of(value: Decimal | float | str, what: str = "number") -> Decimal:
    """The value as Decimal by its shortest text; ValidationError for NaN, inf and non-numbers."""
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        raise ValidationError(f"{what} is not a number: {str(value)[:40]!r}") from None
    if not number.is_finite():
        raise ValidationError(f"{what} is not a finite number: {number}")
    if abs(number) >= _LARGEST:
        raise ValidationError(f"{what} is too large: {number:.3E}", hint="the most is below 1e15")
    return number


def cents(value: Decimal) -> Decimal:
    """Rounded to whole cents, half to even."""
    return value.quantize(CENT, ROUND_HALF_EVEN)


def cents_up(value: Decimal) -> Decimal:
    """Rounded up to whole cents: for costs and reserves that must not be too small."""
    return value.quantize(CENT, ROUND_CEILING)


def price_of(value: Decimal | float | str, what: str = "price") -> Decimal:
    """A price with at most six decimals; ValidationError unless above zero."""
    price = decimal_of(value, what).quantize(_PRICE, ROUND_HALF_EVEN).normalize()
    if price <= 0:
        raise ValidationError(f"{what} must be above zero, not {value}")
    return Decimal(f"{price:f}")


def tick_of(price: Decimal) -> Decimal:
    """The smallest step of a quote: a cent from 1.00 on, a hundredth of one below (SEC 612)."""
    return CENT if price >= 1 else Decimal("0.0001")


def to_tick(price: Decimal) -> Decimal:
    """The price on the nearest tick."""
    return price.quantize(tick_of(price), ROUND_HALF_EVEN)


def whole(value: Decimal) -> int:
    """The whole part, rounded down, never below zero: shares."""
    return max(0, int(value.to_integral_value(ROUND_FLOOR)))
