import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';

/** The requests and connections that are open at the moment. */
export class InFlight {
  readonly #sockets = new Set<Socket>();
  #requests = 0;
  #drained: (() => void) | undefined;

  get requests(): number {
    return this.#requests;
  }

  /**
   * Closes connections beyond the maximum at once. With `maxConnections` of Node.js, workers that are full would hand a connection
   * round for ever.
   */
  watch(http: HttpServer, maxConnections: number): void {
    let open = 0;
    http.on('connection', (socket) => {
      if (open >= maxConnections) return socket.destroy();
      open++;
      this.#sockets.add(socket);
      socket.once('close', () => {
        open--;
        this.#sockets.delete(socket);
      });
    });
  }

  begin(): void {
    this.#requests++;
  }

  end(): void {
    this.#requests--;
    if (this.#requests === 0) this.#drained?.();
  }

  /** Resolves when no request is open any more. */
  async drain(): Promise<void> {
    if (this.#requests === 0) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }

  /** Closes each connection once everything is sent: an answer that was given is not yet with the client. */
  async sendTheRest(): Promise<void> {
    const closing = [...this.#sockets].map((socket) => {
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.destroySoon();
      return closed;
    });
    await Promise.all(closing);
  }
}
