# SPDX-License-Identifier: MIT
"""The other ends of the gallery's TCP programs.

A client is called with the port on which the program listens, a server with the socket to which the
program connects. Each yields lines: what stands below `--- peer ---` in expected/.
"""

import socket
import time

PATIENCE_SECONDS = 20  # for whatever the program does
TURN_SECONDS = 0.1  # in which a program notices what it does not answer


def connect(port):
    """A connection to the program, which may not listen yet."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        except ConnectionRefusedError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def accept(listener):
    connection, _ = listener.accept()
    connection.settimeout(PATIENCE_SECONDS)
    return connection


def pieces(connection):
    """What comes, as it comes, up to the end."""
    while piece := connection.recv(100):
        yield piece


def end(connection):
    """Sends no more, and waits until the program has seen it and closes its side."""
    connection.shutdown(socket.SHUT_WR)
    for _ in pieces(connection):
        pass


# --- clients ------------------------------------------------------------------------------------

def hello(port):
    for text in "hello", "你好 asyncio":
        with connect(port) as connection:
            connection.sendall(text.encode())
            yield f"client sent {text}"
            yield "client got " + b"".join(pieces(connection)).decode()


def echoed(port):
    for messages in ["你好, asyncio 服务器!", "it's \"quoted\"\n"], ["bye"]:
        with connect(port) as connection, connection.makefile("rb") as incoming:
            for message in messages:
                sent = message.encode()
                connection.sendall(sent)
                yield f"client got {incoming.read(len(sent)).decode()!r}"
            end(connection)


class Chatter:
    """Somebody in the chat."""

    def __init__(self, name, port):
        self.name = name
        self.connection = connect(port)
        self.incoming = self.connection.makefile("r", encoding="utf-8", newline="\n")
        time.sleep(TURN_SECONDS)  # nobody is told who has come

    def say(self, text, listeners):
        """Says a line; yields what the listeners hear."""
        self.connection.sendall((text + "\n").encode())
        for listener in listeners:
            yield f"{listener.name} heard " + listener.incoming.readline().rstrip("\n")

    def leave(self):
        end(self.connection)
        self.incoming.close()
        self.connection.close()


def chat(port):
    a, b, c = (Chatter(name, port) for name in "abc")
    yield from a.say("大家好", [b, c])
    yield from b.say("hello a", [a, c])
    c.leave()
    yield from a.say("c has left", [b])
    b.connection.sendall(b"two ")
    time.sleep(TURN_SECONDS)  # or it would be one piece
    yield from b.say("pieces", [a])
    a.leave()
    yield from b.say("nobody hears this", [])
    b.leave()


# --- servers ------------------------------------------------------------------------------------

def upper(listener):
    with accept(listener) as connection:
        data = connection.recv(100)
        yield f"server got {data}"
        connection.sendall(data.upper())
        yield f"server then got {connection.recv(100)}"


def echo(listener):
    for _ in range(2):
        with accept(listener) as connection:
            for data in pieces(connection):
                yield f"server got {data.decode()!r}"
                connection.sendall(data)
        yield "server saw the end"


CLIENTS = {function.__name__: function for function in (hello, echoed, chat)}
SERVERS = {function.__name__: function for function in (upper, echo)}
