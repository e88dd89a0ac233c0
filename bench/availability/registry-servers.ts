/** The registry's PostgreSQL: a primary, two standbys of which one confirms each commit, and the script of a promotion. */
import {
  openPostgresServer,
  type PostgresServer,
  type ServerFolder,
} from '../../test/setup/postgres-server.js';
import { openTcpProxy, type TcpProxy } from '../../test/setup/tcp-proxy.js';
import { until } from '../../test/setup/until.js';
import type { SmallDisk } from './small-disk.js';

export class RegistryServers {
  primary: PostgresServer;
  readonly standbys: PostgresServer[] = [];
  readonly #disks: SmallDisk[];
  readonly #folders = new Map<PostgresServer, SmallDisk | undefined>();
  readonly #networks = new Map<string, TcpProxy>();

  private constructor(primary: PostgresServer, disks: SmallDisk[]) {
    this.primary = primary;
    this.#disks = disks;
    this.#remember(primary);
  }

  /** `openDisk`: opens the disk of each server; undefined: their folders are ordinary ones. */
  static async open(openDisk: (() => Promise<SmallDisk>) | undefined): Promise<RegistryServers> {
    const disks: SmallDisk[] = [];
    const openFolder =
      openDisk &&
      (async (): Promise<ServerFolder> => {
        const disk = await openDisk();
        disks.push(disk);
        return disk;
      });
    // Two standbys and what is needed for new ones; a log that is not kept for long.
    const settings = {
      wal_keep_size: '32MB',
      max_wal_size: '64MB',
      min_wal_size: '32MB',
      wal_receiver_timeout: '3s',
    };
    const servers = new RegistryServers(await openPostgresServer(settings, openFolder), disks);
    await servers.primary.query('CREATE DATABASE registry');
    return servers;
  }

  /** From now on a commit waits for one of two standbys. */
  async addStandbys(): Promise<void> {
    await this.addStandby();
    await this.addStandby();
    await this.primary.query(`ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'`);
    await this.primary.query('SELECT pg_reload_conf()');
    await this.untilStandbysFollow();
  }

  async addStandby(): Promise<void> {
    const standby = await this.primary.openStandbyOnline();
    this.#remember(standby);
    // It has the setting only when it was made after it.
    await standby.query(`ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'`);
    this.standbys.push(standby);
    await until(async () => (await this.#streaming()) === this.standbys.length);
  }

  async #streaming(): Promise<number> {
    const rows = await this.primary.query(`SELECT FROM pg_stat_replication WHERE state = 'streaming'`);
    return rows.length;
  }

  /** Resolves when commits can wait for each standby. */
  async untilStandbysFollow(): Promise<void> {
    await until(async () => {
      const rows = await this.primary.query(
        `SELECT FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'quorum'`,
      );
      return rows.length === this.standbys.length;
    });
  }

  #remember(server: PostgresServer): void {
    this.#folders.set(server, this.#disks.at(-1));
  }

  get disk(): SmallDisk | undefined {
    return this.#folders.get(this.primary);
  }

  /** A way of its own to the primary; `lead` moves it. */
  async openNetwork(user: string, host: string): Promise<{ url: string; network: TcpProxy }> {
    const network = await openTcpProxy(this.primary.port, host);
    this.#networks.set(user, network);
    const url = this.primary.url('registry').replace(/@[^/]+\//, `@${host}:${network.port}/`);
    return { url, network };
  }

  network(user: string): TcpProxy {
    return this.#networks.get(user) as TcpProxy;
  }

  /**
   * The script of a promotion: both standbys leave the old primary, the one that has more of its log takes over, and the other one
   * follows it. Returns the old primary, which is not stopped.
   */
  async promote(): Promise<PostgresServer> {
    const old = this.primary;
    await Promise.all(this.standbys.map((standby) => standby.follow(undefined)));
    const [one, other] = this.standbys as [PostgresServer, PostgresServer];
    const [first, second] =
      (await receivedBy(one)) >= (await receivedBy(other)) ? [one, other] : [other, one];
    await first.promote();
    await second.follow(first);
    this.primary = first;
    this.standbys.splice(0, 2, second);
    return old;
  }

  /** Leads users to the present primary, as an address that moves does. */
  lead(except: readonly string[] = []): void {
    for (const [user, network] of this.#networks) {
      if (except.includes(user)) continue;
      network.redirect(this.primary.port);
      network.reset();
    }
  }

  async close(): Promise<void> {
    for (const network of this.#networks.values()) await network.close();
    for (const server of [...this.standbys, this.primary]) await server.close();
  }
}

/** Place in the log up to which a standby has received it. */
async function receivedBy(standby: PostgresServer): Promise<bigint> {
  const [row] = await standby.query<{ bytes: string }>(
    `SELECT pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')::text AS bytes`,
  );
  return BigInt(row?.bytes ?? 0);
}
