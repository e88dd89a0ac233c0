/** Where the processes of a run find each other: a network namespace per gateway where the machine allows it, otherwise one address. */
import { execFileSync } from 'node:child_process';

export interface Place {
  /** The address at which a gateway listens. */
  host: string;
  /** A program that runs a command there, with its arguments. */
  within: readonly string[];
  /** Swallows all that goes in or out of the place. Undefined: the machine has no namespaces. */
  partition: ((direction: Direction) => void) | undefined;
  heal(): void;
}

export type Direction = 'both' | 'in' | 'out';

export interface Network {
  /** The address of servers for gateways. */
  address: string;
  hasNamespaces: boolean;
  place(at: number): Place;
  close(): void;
}

/** The addresses are of RFC 2544, for measurements, so that they are nobody's. */
const subnet = (at: number) => `198.18.${at}`;
/** Frames for it reach nobody: the other end of the pair drops them without a word. */
const nobody = '02:00:00:00:00:99';

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
const attempt = (...args: string[]) => {
  try {
    ip(...args);
    return true;
  } catch {
    return false;
  }
};

export function openNetwork(places: number): Network {
  const prefix = `tr${process.pid}`;
  const address = `${subnet(0)}.1`;
  const close = () => {
    for (let at = 1; at <= places; at++) attempt('netns', 'delete', `${prefix}-${at}`);
    attempt('address', 'delete', `${address}/32`, 'dev', 'lo');
  };
  const numbers = Array.from({ length: places }, (_, at) => at + 1);
  const isOpen =
    attempt('address', 'add', `${address}/32`, 'dev', 'lo') &&
    numbers.every((at) => openNamespace(prefix, at));
  if (!isOpen) {
    close();
    const here = { host: '127.0.0.1', within: [], partition: undefined, heal: () => undefined };
    return { address: '127.0.0.1', hasNamespaces: false, place: () => here, close: () => undefined };
  }
  process.on('exit', close);
  return {
    ...{ address, hasNamespaces: true, close },
    place(index) {
      const at = index + 1;
      const [outer, inner] = [`${subnet(at)}.1`, `${subnet(at)}.2`];
      const [device, peer] = [`${prefix}h${at}`, `${prefix}g${at}`];
      const within = ['ip', 'netns', 'exec', `${prefix}-${at}`];
      const inside = ['-n', `${prefix}-${at}`];
      return {
        ...{ host: inner, within },
        partition(direction) {
          if (direction !== 'out')
            ip('neigh', 'replace', inner, 'lladdr', nobody, 'dev', device, 'nud', 'permanent');
          if (direction !== 'in')
            ip(...inside, 'neigh', 'replace', outer, 'lladdr', nobody, 'dev', peer, 'nud', 'permanent');
        },
        heal() {
          attempt('neigh', 'delete', inner, 'dev', device);
          attempt(...inside, 'neigh', 'delete', outer, 'dev', peer);
        },
      };
    },
  };
}

/** A namespace with one connection to the machine. */
function openNamespace(prefix: string, at: number): boolean {
  const name = `${prefix}-${at}`;
  const [device, peer] = [`${prefix}h${at}`, `${prefix}g${at}`];
  const [outer, inner] = [`${subnet(at)}.1`, `${subnet(at)}.2`];
  const commands = [
    ['netns', 'add', name],
    ['link', 'add', device, 'type', 'veth', 'peer', 'name', peer],
    ['link', 'set', peer, 'netns', name],
    ['address', 'add', `${outer}/24`, 'dev', device],
    ['link', 'set', device, 'up'],
    ['-n', name, 'address', 'add', `${inner}/24`, 'dev', peer],
    ['-n', name, 'link', 'set', 'lo', 'up'],
    ['-n', name, 'link', 'set', peer, 'up'],
    ['-n', name, 'route', 'add', 'default', 'via', outer],
  ];
  return commands.every((command) => attempt(...command));
}
