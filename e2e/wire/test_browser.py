"""A browser's own WebSocket at every stack. A browser refuses what a lenient client lets pass, and sends what few other
clients do, such as a large message in fragments.

What the page makes of it is asked with a few stacks, in page/.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable

import msgspec
import pytest
from playwright.sync_api import Page

from e2e.support.known import as_known
from e2e.support.pages import View
from echowall.catalog.catalog import Service

pytestmark = pytest.mark.outside

Message = str | bytes

#: How long one conversation may take, in milliseconds.
PATIENCE = 15_000

#: One conversation: a connection, messages one behind the other, as many answers, and a close. It ends early where the
#: last message, a text, has been answered, where the server closes, and after so many milliseconds in any case. Binary
#: messages are in base64.
CONVERSATION = """
async ({ url, protocols, messages, code, reason, patience }) => {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const base64 = (buffer) => btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
  const heard = { received: [] };
  const last = messages.at(-1)?.text;
  const socket = new WebSocket(url, protocols);
  socket.binaryType = "arraybuffer";
  const late = new Promise((resolve) => setTimeout(resolve, patience));
  const opened = new Promise((resolve) => socket.addEventListener("open", resolve));
  const closed = new Promise((resolve) => {
    socket.addEventListener("close", ({ code, reason, wasClean }) => {
      heard.close = { code, reason, clean: wasClean };
      resolve();
    });
  });
  const answered = new Promise((resolve) => {
    socket.addEventListener("message", ({ data }) => {
      heard.received.push(typeof data === "string" ? { text: data } : { base64: base64(data) });
      if (heard.received.length === messages.length || (last && data === last)) resolve();
    });
  });
  await Promise.race([opened, closed, late]);
  if (socket.readyState === WebSocket.OPEN) {
    heard.opened = { protocol: socket.protocol, extensions: socket.extensions };
    for (const { text, base64 } of messages) socket.send(text ?? bytes(base64));
    if (messages.length) await Promise.race([answered, closed, late]);
    socket.close(code, reason);
    await Promise.race([closed, late]);
  }
  return heard;
}
"""


class Opened(msgspec.Struct):
    """What was agreed in the handshake."""

    protocol: str
    extensions: str


class Close(msgspec.Struct):
    """How the connection ended."""

    code: int
    reason: str
    clean: bool


class Data(msgspec.Struct, omit_defaults=True):
    """A message on its way to the browser or from it."""

    text: str | None = None
    base64: str | None = None

    @classmethod
    def of(cls, message: Message) -> Data:
        return cls(text=message) if isinstance(message, str) else cls(base64=b64encode(message).decode())

    @property
    def message(self) -> Message:
        return self.text if self.text is not None else b64decode(self.base64 or "", validate=True)


class Heard(msgspec.Struct):
    """What the browser heard of one connection."""

    received: list[Data]
    opened: Opened | None = None
    """None where the handshake failed."""
    close: Close | None = None
    """None where the connection did not end in time."""

    @property
    def messages(self) -> list[Message]:
        """The messages that came: text as str, binary as bytes."""
        return [data.message for data in self.received]


#: Has one conversation: the messages, and by name the subprotocols to offer, and the code and the reason to close with.
Converse = Callable[..., Heard]


@pytest.fixture
def converse(page: Page, base_url: str, service: Service) -> Converse:
    """The browser, at the origin of the lab, with the service to talk to."""
    if page.url != f"{base_url}/healthz":  # which has that origin, and no script
        View(page).load("/healthz")
    url = f"ws{base_url.removeprefix('http')}/{service.name}/foobar/"

    def talk(*messages: Message, protocols: tuple[str, ...] = (), code: int = 1000, reason: str = "") -> Heard:
        said = [msgspec.to_builtins(Data.of(message)) for message in messages]
        with_whom = {"url": url, "protocols": protocols, "messages": said, "code": code, "reason": reason}
        return msgspec.convert(page.evaluate(CONVERSATION, {**with_whom, "patience": PATIENCE}), Heard)

    return talk


@pytest.mark.protocol("websocket")
def test_messages_come_back_to_a_browser_whole_and_in_order(converse: Converse, service: Service) -> None:
    said = ["Hello, wall!", "回音壁 — naïve, Ωμέγα, עברית, 👩🏽‍🚀🇨🇳, \u200b\uffff\U0010ffff", "64 KiB" * 10_923]
    said += [f"{number} of 200" for number in range(200)]

    heard = converse(*said)

    assert heard.messages == said
    assert heard.opened
    if service.settings:
        deflates = service.settings.deflate.value == "on"
        assert heard.opened.extensions.split(";")[0] == ("permessage-deflate" if deflates else "")
    assert heard.close
    assert heard.close.clean


@pytest.mark.protocol("websocket")
@pytest.mark.fragments
@pytest.mark.expects_console("WebSocket connection to")
def test_what_some_stacks_get_wrong_is_right_or_as_known(
    converse: Converse, service: Service, subtests: pytest.Subtests
) -> None:
    with subtests.test("an empty message"), as_known(service, "empty-message"):
        assert converse("", "after the empty one").messages == ["", "after the empty one"]

    with subtests.test("binary messages"), as_known(service, "binary"):
        could_be_text, every_byte = b"echo", bytes(range(256))

        assert converse(could_be_text, every_byte).messages == [could_be_text, every_byte]

    # Chromium sends a message of this size in fragments.
    with subtests.test("1 MiB"), as_known(service, "large-message", "fragments"):
        large = "0123456789abcdef" * 65_536

        assert converse(large).messages == [large]

    with subtests.test("a close"), as_known(service, "close-code"):
        close = converse(code=3000, reason="seen enough").close

        assert close
        # "Typically" a server answers with the same code (RFC 6455, section 5.5.1); 1005 stands for none.
        assert close.code in (3000, 1000, 1005)
        assert close.clean

    with subtests.test("a subprotocol"), as_known(service, "subprotocol"):
        opened = converse(protocols=("chat", "echo")).opened

        assert opened
        assert opened.protocol == "echo"
