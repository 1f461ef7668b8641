// SPDX-License-Identifier: MIT
// Node's tls. node.js PORT CERT KEY
'use strict';
const fs = require('fs');
const tls = require('tls');

const [port, cert, key] = process.argv.slice(2);
setTimeout(() => process.exit(9), 900000).unref();

const options = { cert: fs.readFileSync(cert), key: fs.readFileSync(key), noDelay: true };
tls.createServer(options, (socket) => {
  socket.on('data', (data) => {
    if (socket.write(data)) return;
    socket.pause();
    socket.once('drain', () => socket.resume());
  });
  socket.on('error', () => {});
}).listen({ port: +port, host: '127.0.0.1', backlog: 4096 });
