"""The echo in Flask with flask-sock: a view that keeps its thread for as long as the socket is open."""

from flask import Flask
from flask_sock import Sock

app = Flask(__name__)
app.config["SOCK_SERVER_OPTIONS"] = {
    "subprotocols": ["echo"],
    "ping_interval": 20,
    "max_message_size": 2**20,
    "receive_bytes": 1024,  # all that was received is inflated, up to a thousandfold, before its size is looked at
}
sock = Sock(app)


@sock.route("/foobar/")
def echo(ws):
    while True:  # until receive() or send() raises ConnectionClosed, which flask-sock expects
        ws.send(ws.receive())
