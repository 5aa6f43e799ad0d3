"""The load of echo.c's closed loop, as Locust has it: users who send a message when the last has come back.

Run in the environment of Locust, with the package websocket-client. ECHO_URL and ECHO_BYTES say what is loaded.
"""

import os
import time

from locust import User, constant, task
from websocket import create_connection

SIZE = int(os.environ["ECHO_BYTES"])


class Echo(User):
    wait_time = constant(0)

    def on_start(self) -> None:
        self.socket = create_connection(os.environ["ECHO_URL"])
        self.number = 0

    @task
    def echo(self) -> None:
        self.number += 1
        message = f"{self.number:020}".ljust(SIZE, "x")[:SIZE]
        began = time.perf_counter()
        self.socket.send(message)
        error = None if self.socket.recv() == message else ValueError("an echo differs from what was sent")
        self.environment.events.request.fire(
            request_type="WS",
            name="echo",
            response_time=(time.perf_counter() - began) * 1000,
            response_length=SIZE,
            exception=error,
        )

    def on_stop(self) -> None:
        self.socket.close()
