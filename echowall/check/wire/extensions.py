"""The header Sec-WebSocket-Extensions (RFC 6455, section 9.1), and permessage-deflate's parameters in it."""

from __future__ import annotations

from typing import NamedTuple

DEFLATE = "permessage-deflate"
_BITS = {str(bits): bits for bits in range(8, 16)}


class ExtensionError(Exception):
    """The header cannot be read: says what is wrong in a few words."""


class Extension(NamedTuple):
    """An extension that was selected, with its parameters. A parameter without a value has None."""

    name: str
    parameters: dict[str, str | None]

    def wrong_parameter(self) -> str | None:
        """Which of permessage-deflate's parameters is wrong, in a few words; None where none is (RFC 7692, 7.1)."""
        for name, value in self.parameters.items():
            match name:
                case "server_no_context_takeover" | "client_no_context_takeover":
                    if value is not None:
                        return f"{name} with a value"
                case "server_max_window_bits" | "client_max_window_bits":
                    if value not in _BITS:
                        return f"{name} without a value" if value is None else f"{name} out of range"
                case _:
                    return "an unknown parameter of permessage-deflate"
        return None

    def bits(self, name: str) -> int:
        """A window's size as a power of two: 15 where the parameter does not say it, or says nonsense."""
        return _BITS.get(self.parameters.get(name) or "", 15)


def parse_extensions(header: str) -> list[Extension]:
    """The extensions in the order in which they stand there. Raises ExtensionError."""
    found: list[Extension] = []
    for element in filter(None, (part.strip() for part in header.split(","))):
        name, *fields = (field.strip() for field in element.split(";"))
        parameters: dict[str, str | None] = {}
        for field in fields:
            key, sign, value = (part.strip() for part in field.partition("="))
            if key in parameters:
                raise ExtensionError("a parameter given twice")
            parameters[key] = value.strip('"') if sign else None
        if name in (extension.name for extension in found):
            raise ExtensionError("an extension given twice")
        found.append(Extension(name, parameters))
    return found
