"""What of the contract of a service the tool needs to know; services/README.md tells it in full."""

from __future__ import annotations

#: The checks that only the browser suite makes: each id, and what it holds a service to, in Markdown.
BY_SUITE = {
    "chat-empty-message": "an empty message to the chat is answered with an `error`",
    "chat-deep-nesting": "JSON nested 100,000 deep is answered with an `error`",
    "chat-invalid-utf8": "text that is not UTF-8 is answered with an `error`, or closes the socket that it came by",
    "chat-slow-reader": "a client that does not read what is said in the chat is closed with 1013, or cut off",
    "many-sockets": "with 1,000 sockets at once, or as many as it declares, none is cut and no process ends; one too "
    "many is refused with 503, or waits for its turn",
}
