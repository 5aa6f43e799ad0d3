"""The service in Flask-uWSGI-WebSocket: the echo, the room and /about. uWSGI ends open sockets at SIGTERM by itself."""

import platform
from importlib.metadata import version

import gevent
from uwsgidecorators import postfork

from chat import chat, room
from echo import app, websocket
from naive import naive

app.json.sort_keys = False
websocket.route("/foobar/naive/", websocket=True)(naive)
websocket.route("/chat/", websocket=True)(chat)


@app.get("/about")
def about():
    packages = ("flask", "flask-uwsgi-websocket", "uwsgi", "gevent")
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return {"service": "flask-uwsgi", "versions": versions}


@app.get("/foobar/")
@app.get("/foobar/naive/")
@app.get("/chat/")
def upgrade_required():
    return {"error": "this speaks WebSocket"}, 426, {"Upgrade": "websocket", "Connection": "Upgrade"}


@postfork  # the loop that runs greenlets does not outlive the fork by which uWSGI makes its worker
def start_room():
    gevent.spawn(room.read)
    gevent.spawn(room.count)
