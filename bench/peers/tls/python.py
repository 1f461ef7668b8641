# SPDX-License-Identifier: MIT
"""CPython's asyncio over ssl, by a protocol. python.py [--uvloop] PORT CERT KEY"""

import asyncio
import signal
import ssl
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def serve(port, cert, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: None)  # peers that reset
    server = await loop.create_server(Echo, "127.0.0.1", int(port), ssl=context, backlog=4096)
    await server.serve_forever()


signal.alarm(900)
if sys.argv[1] == "--uvloop":
    import uvloop
    uvloop.install()
asyncio.run(serve(*sys.argv[-3:]))
