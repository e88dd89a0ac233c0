import { invalidField } from '../errors.js';

/** A point in the registry's history. The epoch identifies the history: it changes with a failover or a restore. */
export interface Revision {
  epoch: string;
  number: bigint;
}

export function formatRevision(revision: Revision): string {
  return `${revision.epoch}:${revision.number}`;
}

export function readRevision(text: string): Revision {
  const [, epoch, number] = /^([0-9a-f]{16}):(\d{1,18})$/.exec(text) ?? [];
  if (epoch === undefined || number === undefined)
    throw invalidField('minRevision', 'must be a revision from a payload or an earlier response');
  return { epoch, number: BigInt(number) };
}
