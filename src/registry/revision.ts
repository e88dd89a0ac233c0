import { invalidField } from '../errors.js';

/** A point in the registry's history. The epoch says which history: it differs after a failover or a restore. */
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
    throw invalidField('minRevision', 'must be a revision as a payload or an earlier answer carried it');
  return { epoch, number: BigInt(number) };
}
