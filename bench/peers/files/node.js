// SPDX-License-Identifier: MIT
// Node's fs.promises. node.js small COUNT AT_ONCE FOLDER, node.js large MEBIBYTES FOLDER
'use strict';
const fs = require('fs').promises;

const smallBytes = 4096;
const pieceBytes = 1 << 20;
setTimeout(() => process.exit(9), 600000).unref();

function expect(held) {
  if (!held) throw new Error('what was read is not what was written');
}

async function measure(workload, count, work) {
  const wall = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  await work();
  const used = process.cpuUsage(cpu);
  const wallNs = Number(process.hrtime.bigint() - wall) / count;
  const cpuNs = (used.user + used.system) * 1000 / count;
  console.log(`node ${workload} n=${count} wall ${wallNs.toFixed(2)} ns/op`);
  console.log(`node ${workload} n=${count} cpu ${cpuNs.toFixed(2)} ns/op`);
}

async function smallFiles(count, atOnce, folder) {
  const bytes = Buffer.alloc(smallBytes, 'x');
  const each = (one) => async () => {
    let next = 0;
    const worker = async () => { while (next < count) await one(`${folder}/${next++}`); };
    await Promise.all(Array.from({ length: atOnce }, worker));
  };
  await measure(`write_small/c${atOnce}`, count, each(async (path) => {
    const file = await fs.open(path, 'w');
    await file.writeFile(bytes);
    await file.close();
  }));
  await measure(`read_small/c${atOnce}`, count, each(async (path) => {
    const file = await fs.open(path, 'r');
    const read = await file.readFile();
    expect(read.length === smallBytes && read[smallBytes - 1] === bytes[0]);
    await file.close();
  }));
}

async function largeFile(pieces, path) {
  const bytes = Buffer.alloc(pieceBytes, 'x');
  await measure('write_large', pieces, async () => {
    const file = await fs.open(path, 'w');
    for (let i = 0; i < pieces; ++i) {
      expect((await file.write(bytes, 0, pieceBytes)).bytesWritten === pieceBytes);
    }
    await file.close();
  });
  await measure('read_large', pieces, async () => {
    const file = await fs.open(path, 'r');
    const into = Buffer.alloc(pieceBytes);
    for (let i = 0; i < pieces; ++i) {
      expect((await file.read(into, 0, pieceBytes)).bytesRead === pieceBytes);
    }
    await file.close();
  });
}

const [mode, count, ...more] = process.argv.slice(2);
if (mode === 'small') smallFiles(+count, +more[0], more[1]);
else if (mode === 'large') largeFile(+count, more[0] + '/large');
else process.exit(2);
