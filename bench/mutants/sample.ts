import { createChance } from '../../test/protocol/support/virtual-time.js';
import type { Mutant } from './mutation.js';

/**
 * One mutant at each of `size` sites, all sites equally likely, so a file counts by how much there is to get wrong in it.
 * A larger sample of the same seed begins with the smaller one.
 */
export function drawSample(mutants: readonly Mutant[], size: number, seed: number): Mutant[] {
  const chance = createChance(seed);
  const sites = groupBySite(mutants);
  const drawn: Mutant[] = [];
  while (drawn.length < size && sites.length > 0) {
    const at = Math.floor(chance.next() * sites.length);
    const [site] = sites.splice(at, 1);
    if (site) drawn.push(chance.pick(site));
  }
  return drawn;
}

function groupBySite(mutants: readonly Mutant[]): Mutant[][] {
  const sites = new Map<string, Mutant[]>();
  for (const mutant of mutants) {
    const name = `${mutant.file}:${mutant.site}`;
    sites.set(name, [...(sites.get(name) ?? []), mutant]);
  }
  return [...sites.values()];
}
