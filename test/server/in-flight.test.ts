import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { InFlight } from '../../src/server/requests/in-flight.js';

test('a connection beyond the maximum is closed at once, and the next one is served when another has ended', async () => {
  const http = createServer((_request, response) => response.end('served')).listen(0, '127.0.0.1');
  new InFlight().watch(http, 1);
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const open = async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  /** What the server answers; empty when it closes the connection. */
  const ask = async (socket: Socket) => {
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
    await once(socket, 'close');
    return text;
  };
  try {
    const first = await open();
    const second = await open();
    await once(second.resume(), 'close');
    expect(await ask(first)).toContain('served');
    await expect.poll(async () => ask(await open()).catch(String)).toContain('served');
  } finally {
    http.close();
    http.closeAllConnections();
  }
});
