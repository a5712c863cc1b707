"""A number with a fraction or an exponent, as it was spelt: `1e2` is 100.0 to whoever counts, and stays `1e2`."""

from msgspec import Raw


class Fraction(float):
    """A float that keeps its JSON text."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "Fraction":
        number = super().__new__(cls, text)
        number.text = text
        return number


def spelt(value: object) -> Raw:
    """What msgspec writes for a fraction. Raises: TypeError for anything else that it does not know."""
    if isinstance(value, Fraction):
        return Raw(value.text.encode())
    raise TypeError(f"no JSON value: {type(value).__name__}")
