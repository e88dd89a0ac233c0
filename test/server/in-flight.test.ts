import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, test } from 'vitest';
import { InFlight } from '../../src/server/in-flight.js';

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
  try {
    const first = await open();
    const second = await open();
    await once(second.resume(), 'close');
    first.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(String((await once(first, 'data'))[0])).toContain('served');
    first.destroy();
    await expect
      .poll(() => fetch(`http://127.0.0.1:${port}`).then((answer) => answer.text(), String))
      .toBe('served');
  } finally {
    http.close();
    http.closeAllConnections();
  }
});
