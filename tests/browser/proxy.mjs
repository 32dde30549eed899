// A network between browser and nginx that fails as it is told: a TCP relay
// which knows where a request and its answer begin.

import net from 'node:net';
import { BASE_URL } from './stack.mjs';

const target = new URL(BASE_URL);

// plan(request), for each request, in the order of their arrival:
//   request   { method, path, key, reused } - reused: not the connection's first
// returns undefined to relay it as it is, or
//   { cut: n }          relay n bytes of the answer, then reset the connection
//   { held: promise }   the answer waits for it
//   { refuse: true }    reset the connection before nginx sees the request
// bytes(n), if given, is called for all that passes; a true return resets
// every connection.
export async function startProxy({ plan = () => undefined, bytes = null } = {}) {
  const seen = [];
  const open = new Set();
  const server = net.createServer((client) => {
    relay(client, { plan, bytes, seen, open });
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    resetAll: () => reset(open),
    close() {
      reset(open);
      return new Promise((resolve) => { server.close(resolve); });
    },
  };
}

function relay(client, { plan, bytes, seen, open }) {
  const upstream = net.connect(Number(target.port), target.hostname);
  const pair = [client, upstream];
  const fate = { cut: Infinity, held: null };
  let requests = 0;
  let head = Buffer.alloc(0);

  const end = () => {
    open.delete(pair);
    for (const socket of pair) socket.destroy();
  };
  open.add(pair);
  for (const socket of pair) {
    socket.setNoDelay(true);
    socket.on('error', end);
    socket.on('close', end);
  }
  // our requests are small: one begins where a chunk does
  client.on('data', (chunk) => {
    if (bytes?.(chunk.length)) return void reset(open);
    head = head.length ? Buffer.concat([head, chunk]) : chunk;
    const text = head.toString('latin1');
    if (/^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(text)) {
      if (!text.includes('\r\n\r\n')) return undefined;
      const [method, path] = text.split(' ', 2);
      const request = {
        method, path, reused: requests > 0,
        key: /\r\nidempotency-key: "([^"]*)"/i.exec(text)?.[1] ?? null,
      };
      requests++;
      seen.push(request);
      Object.assign(fate, { cut: Infinity, held: null }, plan(request));
      if (fate.refuse) return void reset([pair]);
    }
    upstream.write(head);
    head = Buffer.alloc(0);
    return undefined;
  });
  upstream.on('data', async (chunk) => {
    if (fate.held) {
      upstream.pause();
      await fate.held;
      fate.held = null;
      upstream.resume();
    }
    if (bytes?.(chunk.length)) return void reset(open);
    if (chunk.length < fate.cut) {
      fate.cut -= chunk.length;
      return void client.write(chunk);
    }
    client.write(chunk.subarray(0, fate.cut), () => reset([pair]));
    return undefined;
  });
}

// RST, not FIN: what a crashed middlebox or a lost mobile network looks like.
function reset(pairs) {
  for (const [client, upstream] of pairs) {
    client.resetAndDestroy();
    upstream.destroy();
  }
}
