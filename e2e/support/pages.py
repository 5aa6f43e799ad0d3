"""Page objects: the views of the page and what a person does in them. Everything is found by its role and its name."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from playwright.sync_api import Error, Locator, Page, Request, expect

NETWORK_CHANGED = "ERR_NETWORK_CHANGED"

Direction = Literal["sent", "received", "event"]


class Entry(msgspec.Struct):
    """A line of the exported log."""

    time: str
    direction: Direction
    kind: Literal["text", "binary", "open", "close", "error", "reconnect", "import"]
    size: int = 0
    data: str | None = None
    encoding: str | None = None
    rtt: float | None = None
    mark: str | None = None
    """What became of an echo, such as `same`."""

    @property
    def message(self) -> str | bytes:
        """The message itself: text as str, binary as bytes."""
        data = self.data or ""
        return b64decode(data, validate=True) if self.encoding == "base64" else data


class View:
    """What every view of the page has in common: going to an address, and coming back to it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def load(self, address: str) -> None:
        """Go to an address of the lab."""
        self._until_complete(lambda: self.page.goto(address))

    def reload(self) -> None:
        """Load the page again."""
        self._until_complete(self.page.reload)

    def _until_complete(self, load: Callable[[], object]) -> None:
        """Load, and load again where the network changed meanwhile.

        When a container starts or stops, Chromium drops what it is loading
        (https://issues.chromium.org/issues/41465264). Its error page may come late, in place of the next load, and the
        result of that load in place of the one after it (https://github.com/microsoft/playwright/issues/35944). So the
        page comes to rest before it is loaded again.
        """
        failures: list[str | None] = []

        def on_request_failed(request: Request) -> None:
            failures.append(request.failure)

        self.page.on("requestfailed", on_request_failed)
        try:
            for _ in range(5):
                failures.clear()
                try:
                    load()
                except Error as error:
                    if not re.search(f"{NETWORK_CHANGED}|interrupted by .* to .chrome-error:", error.message):
                        raise
                    self._come_to_rest()
                    continue
                if f"net::{NETWORK_CHANGED}" not in failures:
                    return
            raise AssertionError("the network changed each of five times that the page was loaded")
        finally:
            self.page.remove_listener("requestfailed", on_request_failed)

    def _come_to_rest(self) -> None:
        """Wait until the page has gone nowhere for a second."""
        with suppress(Error):  # the timeout, which is what this waits for
            while True:
                with self.page.expect_event("framenavigated", timeout=1_000):
                    pass


class EchoPage(View):
    """The echo: one stack or two side by side, and the message that goes to them."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.first = Pane(page, "First stack")
        self.second = Pane(page, "Second stack")
        self.side_by_side = page.get_by_role("switch", name="Side by side")
        self.demos = page.get_by_role("button", name="Show me", exact=True)
        self.demo = page.locator(".demo").and_(page.get_by_role("region"))
        self.composer = page.get_by_role("region", name="Message", exact=True)
        self.message = self.composer.get_by_role("textbox", name="Message", exact=True)
        self.file = self.composer.get_by_label("File", exact=True).and_(self.composer.locator("[type=file]"))
        self.preset = self.composer.get_by_role("combobox", name="Preset")
        self.times = self.composer.get_by_role("spinbutton", name="Times")
        self.every = self.composer.get_by_role("spinbutton", name="every")
        self.stop = self.composer.get_by_role("button", name="Stop", exact=True)
        self.send = self.composer.get_by_role("button", name="Send", exact=True)
        self.connect = self.composer.get_by_role("button", name=re.compile("^Connect"))
        self.error = self.composer.get_by_role("alert")
        self.share = self.composer.get_by_role("button", name="Share", exact=True)
        self.shared = page.get_by_role("dialog", name="Share", exact=True)
        self.theme = page.get_by_role("combobox", name="Colours")

    def open(self, **query: str) -> Pane:
        """Open the page with that query, and wait until the stacks are listed."""
        self.load(f"?{urlencode(query or {'view': 'echo'})}")
        expect(self.first.how).to_be_visible()
        return self.first

    def kind(self, name: Literal["Text", "JSON", "Hex", "File"]) -> Locator:
        """The radio button that says what kind of message it is."""
        return self.composer.get_by_role("radio", name=name, exact=True)

    def compose(self, kind: Literal["Text", "JSON", "Hex"], message: str) -> None:
        """Write a message without sending it."""
        self.kind(kind).check()
        self.message.fill(message)

    def say(self, message: str, kind: Literal["Text", "JSON", "Hex"] = "Text") -> None:
        """Write a message and press Send."""
        self.compose(kind, message)
        self.send.click()

    def say_preset(self, name: str) -> None:
        """Choose a preset and press Send."""
        self.preset.select_option(label=name)
        self.send.click()

    def say_file(self, file: Path) -> None:
        """Choose a file and press Send."""
        self.kind("File").check()
        self.file.set_input_files(file)
        self.send.click()


class Pane:
    """One stack: choosing it, connecting to it, and its log."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.root = page.get_by_role("region", name=name, exact=True)
        self.chosen = self.root.get_by_role("button", name=re.compile("^Choose a stack"))
        self.filter = self.root.get_by_role("searchbox", name="Filter stacks")
        self.matches = self.root.get_by_role("status", name="Matches")
        self.own_endpoint = self.root.get_by_role("radio", name="Own endpoint", exact=True)
        self.endpoint_protocol = self.root.get_by_role("combobox", name="Protocol", exact=True)
        self.endpoint_url = self.root.get_by_role("textbox", name="Endpoint URL")
        self.versions = self.root.get_by_role("list", name="Versions")
        self.handler = self.root.get_by_role("combobox", name="Handler")
        self.subprotocols = self.root.get_by_role("textbox", name="Subprotocols")
        self.connect_button = self.root.get_by_role("button", name="Connect", exact=True)
        self.disconnect_button = self.root.get_by_role("button", name="Disconnect", exact=True)
        self.close_code = self.root.get_by_role("spinbutton", name="Close code")
        self.close_reason = self.root.get_by_role("textbox", name="Close reason")
        self.reconnects = self.root.get_by_role("checkbox", name="Reconnect automatically")
        self.connection = self.root.get_by_role("status", name="Connection")
        self.totals = self.root.get_by_role("status", name="Totals")
        self.tally = self.root.get_by_role("status", name="What became of the echo")
        self.alert = self.root.get_by_role("alert")
        self.log = self.root.get_by_role("log", name="Messages")
        self.show = self.root.get_by_role("combobox", name="Show")
        self.search = self.root.get_by_role("searchbox", name="Search messages")
        self.regex = self.root.get_by_role("checkbox", name="Regular expression")
        self.found = self.log.locator("mark")
        self.tools = self.root.get_by_role("button", name="More", exact=True)
        self.order = self.root.get_by_role("combobox", name="Order")
        self.slowest = self.root.get_by_role("button", name="Slowest", exact=True)
        self.har_button = self.root.get_by_role("button", name="HAR", exact=True)
        self.import_button = self.root.get_by_role("button", name="Import", exact=True)
        self.view_as = self.root.get_by_role("combobox", name="View as")
        self.clear = self.root.get_by_role("button", name="Clear", exact=True)
        self.export_button = self.root.get_by_role("button", name="Export", exact=True)
        self.drawer = self.root.get_by_role("dialog", name="Message in full")
        self.new = self.root.get_by_role("button", name=re.compile(r"^\d+ new$"))
        self.sparkline = self.root.get_by_role("img", name=re.compile("^Round-trip time"))
        self.how = self.root.get_by_text("How it is done", exact=True)
        self.source = self.root.get_by_role("region", name=re.compile(r"^Source of "))
        self.known_summary = self.root.locator("summary").filter(has_text="Known deviations")
        self.known_deviations = self.root.get_by_role("list", name="Known deviations")
        self.mends_summary = self.root.locator("summary").filter(has_text="Mended by the service")
        self.mends = self.root.get_by_role("list", name="Mended by the service")

    def stack(self, title: str) -> Locator:
        """The radio button that chooses a stack."""
        return self.root.get_by_role("radio", name=title, exact=True)

    def choose(self, title: str) -> None:
        """Choose a stack, from its sheet where the pane has no room for the list."""
        if self.chosen.is_visible():
            self.chosen.click()
            self.stack(title).click()  # also the one that is chosen already, which closes the sheet
            expect(self.own_endpoint).to_have_count(0)
        else:
            self.stack(title).check()

    def row(self, name: str) -> Locator:
        """The row of a stack in the selector. Its data-status says whether the stack is up."""
        return self.root.locator(f"[data-service={name}]")

    def shown_stacks(self) -> list[str]:
        """The names of the stacks that the filter leaves visible, in order."""
        return _data(self.root.locator("[data-service]").filter(visible=True), "service")

    def source_of(self, file: str) -> Locator:
        """The code of that file in the source panel."""
        return self.root.get_by_role("region", name=f"Source of {file}", exact=True).locator("pre")

    def entries(self, direction: Direction | None = None, kind: str | None = None) -> Locator:
        """The lines of the log that are on the page; a long log keeps only the newest there."""
        wanted = (f"[data-direction={direction}]" if direction else "") + (f"[data-kind={kind}]" if kind else "")
        items = self.log.get_by_role("listitem")
        return items.and_(self.page.locator(wanted)) if wanted else items

    def open_in_full(self, entry: Locator) -> None:
        """Open a message in the drawer."""
        entry.get_by_role("button", name="Open in full").click()
        expect(self.drawer).to_be_visible()

    def connect(self) -> None:
        """Press Connect, and wait until the connection is open."""
        self.connect_button.click()
        self.expect_connected()

    def disconnect(self, code: str = "", reason: str = "") -> None:
        """Press Disconnect, with a code and a reason if given, and wait until the connection is closed."""
        if code:
            self.close_code.fill(code)
        if reason:
            self.close_reason.fill(reason)
        self.disconnect_button.click()
        expect(self.connection).to_have_text("Disconnected")

    def expect_connected(self) -> None:
        expect(self.connection).to_have_text("Connected")

    def expect_totals(self, sent: int, received: int, *, timeout: float = 5_000) -> None:
        expect(self.totals).to_have_text(f"Sent {sent} · Received {received}", timeout=timeout)

    def expect_received(self, text: str) -> None:
        """Wait until the log shows that text as received."""
        expect(self.entries("received", "text").filter(has_text=text)).not_to_have_count(0)

    def export(self) -> list[Entry]:
        """Press Export and read the downloaded file."""
        with self.page.expect_download() as download:
            self.export_button.click()
        lines = Path(download.value.path()).read_bytes().splitlines()
        return [msgspec.json.decode(line, type=Entry) for line in lines]

    def export_har(self) -> Any:
        """Press HAR and read the downloaded file."""
        with self.page.expect_download() as download:
            self.har_button.click()
        return msgspec.json.decode(Path(download.value.path()).read_bytes())

    def import_file(self, file: Path) -> None:
        """Press Import and choose that file."""
        with self.page.expect_file_chooser() as chooser:
            self.import_button.click()
        chooser.value.set_files(file)

    def received(self) -> list[str | bytes]:
        """All received messages, read from the exported log."""
        return [entry.message for entry in self.export() if entry.direction == "received"]


class ResultsPage(View):
    """A view of what was measured: a table whose cells open their evidence."""

    def __init__(self, page: Page, name: str) -> None:
        super().__init__(page)
        self.root = page.get_by_role("region", name=name, exact=True)
        self.table = self.root.get_by_role("table")
        self.drawer = page.get_by_role("dialog")
        self.own = self.root.get_by_label("Your own result")
        self.own_results = self.root.get_by_role("list", name="Results of your own")

    def open(self, **query: str) -> None:
        """Open the view, and wait until it is shown."""
        self.load(f"/?{urlencode(query)}" if query else "/")
        expect(self.table).to_be_visible()

    def row(self, key: str) -> Locator:
        """The row of a stack, or of what the user has added, by its key."""
        return self.root.locator(f'tr[data-subject="{key}"]')

    def cell(self, key: str, column: str) -> Locator:
        """The button in a cell."""
        return self.row(key).locator(f'td[data-column="{column}"]').get_by_role("button")

    def figure(self, key: str, column: str) -> str:
        """The figure in a cell, without what it is of."""
        return self.cell(key, column).inner_text().split("/")[0].split("\n")[0].strip()

    def header(self, name: str) -> Locator:
        """The header of a column. Its aria-sort says how the table is sorted by it."""
        return self.root.get_by_role("columnheader", name=name, exact=True)

    def sort(self, name: str) -> None:
        """Press the header of a column."""
        self.header(name).get_by_role("button").click()

    def shown(self) -> list[str]:
        """The keys of the rows, in the order in which they are shown."""
        return _data(self.root.locator("tr[data-subject]"), "subject")


class RacePage(View):
    """The race of several stacks."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.root = page.get_by_role("region", name="Race", exact=True)
        self.start = self.root.get_by_role("button", name="Start", exact=True)
        self.stop = self.root.get_by_role("button", name="Stop", exact=True)
        self.chooser = self.root.locator("summary").filter(has_text=re.compile("^Stacks: "))
        self.result = self.root.get_by_role("status", name="Result")

    def open(self, **query: str) -> None:
        """Open the view, and wait until there are stacks to race."""
        self.load(f"/?{urlencode({'view': 'race', **query})}")
        expect(self.start).to_be_enabled()

    def row(self, name: str) -> Locator:
        """The row of a stack. Its data-stage says how far it is, and its data-right whether all came back."""
        return self.root.locator(f"tr[data-service={name}]")


class StacksPage(View):
    """The table of all stacks."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.root = page.get_by_role("region", name="Stacks", exact=True)
        self.filter = self.root.get_by_role("searchbox", name="Filter stacks")
        self.matches = self.root.get_by_role("status", name="Matches")
        self.headers = self.root.get_by_role("columnheader")

    def open(self, **query: str) -> None:
        """Open the table, and wait until it is shown."""
        self.load(f"/?{urlencode({'view': 'stacks', **query})}")
        expect(self.root.get_by_role("table")).to_be_visible()

    def header(self, name: str) -> Locator:
        """The header of a column. Its aria-sort says how the table is sorted by it."""
        return self.root.get_by_role("columnheader", name=name, exact=True)

    def sort(self, name: str) -> None:
        """Press the header of a column."""
        self.header(name).get_by_role("button").click()

    def row(self, name: str) -> Locator:
        """The row of a stack. Its data-status says whether the stack is up."""
        return self.root.locator(f"tr[data-service={name}]")

    def link(self, name: str) -> Locator:
        """The link that opens a stack in the echo."""
        return self.row(name).get_by_role("link")

    def names(self) -> list[str]:
        """The names of the stacks, in the order in which they are shown."""
        return _data(self.root.locator("tr[data-service]"), "service")

    def texts(self, name: str) -> list[str]:
        """The texts of a column, row by row."""
        place = self.headers.all_inner_texts().index(name)
        return self.root.locator(f"tbody tr > :nth-child({place + 1})").all_inner_texts()


class ChatPage(View):
    """The chat room, entered by a stack under a nick."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.root = page.get_by_role("region", name="Chat room", exact=True)
        self.stack = self.root.get_by_role("combobox", name="Stack", exact=True)
        self.nick = self.root.get_by_role("textbox", name="Nick", exact=True)
        self.connection = self.root.get_by_role("status", name="Connection")
        self.leave = self.root.get_by_role("button", name="Leave", exact=True)
        self.join = self.root.get_by_role("button", name="Join", exact=True)
        self.online = self.root.get_by_role("list", name="Online")
        self.stacks_online = self.online.locator("[data-service]:not([data-count='0'])")
        self.log = self.root.get_by_role("log", name="Conversation")
        self.composer = self.root.get_by_role("textbox", name="Say something")
        self.send = self.root.get_by_role("button", name="Send", exact=True)
        self.alert = self.root.get_by_role("alert").filter(visible=True)
        self.drawer = self.root.get_by_role("dialog", name="Message in full")
        self.new = self.root.get_by_role("button", name=re.compile(r"^\d+ new messages?$"))

    def open(self, service: str, **query: str) -> None:
        """Enter the room by a service, and wait until the history is there."""
        self.load(f"/?{urlencode({'view': 'chat', 'service': service, **query})}")
        self.expect_inside()

    def say(self, text: str) -> None:
        """Write something and press Send."""
        self.composer.fill(text)
        self.send.click()

    def messages(self, text: str = "") -> Locator:
        """The messages that contain that text."""
        return self.root.locator("li[data-id]").filter(has_text=text)

    def message(self, text: str) -> Locator:
        """The messages that consist of exactly that text."""
        exactly = self.page.locator(".text").get_by_text(text, exact=True)
        return self.root.locator("li[data-id]").filter(has=exactly)

    def unsaid(self) -> Locator:
        """Messages of this page that the room has not confirmed."""
        return self.root.locator("li[data-pending=unsaid]")

    def events(self, name: str) -> Locator:
        """Lines about the connection, such as `caught-up`."""
        return self.root.locator(f"li[data-event={name}]")

    def expect_inside(self, *, timeout: float = 30_000) -> None:
        expect(self.connection).to_have_text("Connected", timeout=timeout)
        expect(self.root).to_have_attribute("data-live", "true", timeout=timeout)

    def expect_nothing_twice_or_out_of_order(self) -> None:
        expect(self.root).to_have_attribute("data-repeats", "0")
        expect(self.root).to_have_attribute("data-disorder", "0")


class PushPage(View):
    """The view "Push or poll"."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.root = page.get_by_role("region", name="Push or poll?")
        self.stack = self.root.get_by_label("Served by")
        self.pace = self.root.get_by_role("slider")
        self.lanes = self.root.locator("li[data-transport]")
        self.measured = page.get_by_role("region", name="What it costs the server")
        self.crossings = self.measured.locator(".crossings li")

    def open(self, **query: str) -> None:
        """Open the view, and wait until it is shown."""
        self.load(f"/?{urlencode({'view': 'push', **query})}")
        expect(self.root).to_be_visible()

    def say(self) -> None:
        """Say something."""
        self.root.get_by_role("button", name="Say something").click()

    def add_result(self, file: Path) -> None:
        """Add a benchmark of one's own."""
        self.measured.get_by_label("Your own result").set_input_files(file)

    def lane(self, transport: str) -> Locator:
        """One of the ways to hear the room. Its data-heard and data-repeats count what it heard."""
        return self.root.locator(f"li[data-transport={transport}]")

    def figure(self, transport: str, name: str) -> Locator:
        """What it heard, and what that took."""
        return self.lane(transport).locator(f"[data-figure={name}]")


def _data(rows: Locator, name: str) -> list[str]:
    """What the rows have as `data-` and the name, asked at once: one by one it takes as long as all else in a test."""
    found: list[str] = rows.evaluate_all("(rows, name) => rows.map((row) => row.dataset[name])", name)
    return found
