/** Tells the comparison where the server listens: one line on standard output. */

/** @param {import('node:http').Server} server */
export function listenAndAnnounce(server) {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address) announce(`http://127.0.0.1:${address.port}/graphql`);
  });
}

/** @param {string} url */
export function announce(url) {
  process.stdout.write(`listening ${url}\n`);
}
