/** Maps a configuration that stood in a table. Pure. */
import type { TenantConfig } from '../../profile/config/tenant-config.js';
import type { ConfigRules } from '../../registry/values/config-rules.js';
import { type FileProblem, readClientFile } from './client-file.js';
import type { ReplacedSecret } from './client-secrets.js';
import { Problems, readConfig, sortFile } from './client-sorting.js';

/** A configuration that stood in one cell of a table, with the findings about it. */
export interface MappedConfig {
  /** undefined when the text cannot be read at all. */
  config: TenantConfig | undefined;
  /** Problems of single values, which were left out. */
  problems: FileProblem[];
  secrets: ReplacedSecret[];
  unknownKeys: string[];
}

/** How many invalid values of one configuration are left out before it counts as unreadable. */
const maxLeftOut = 100;

/**
 * Maps the text of a configuration, JSON or YAML. Unlike in a file, an invalid value is left out and reported, because nobody can
 * correct a table of a platform that is being replaced.
 */
export function mapConfig(text: string, slug: string, rules: ConfigRules): MappedConfig {
  const read = readClientFile(text);
  if ('problems' in read) return { config: undefined, problems: read.problems, secrets: [], unknownKeys: [] };
  const scope = { slug, ...rules };
  const { secrets, problems: ofClient, sorted } = sortFile(read.tree, scope);
  const found = { secrets: secrets.found, unknownKeys: sorted.unknownKeys };
  const leftOut: FileProblem[] = [];
  for (let turn = 0; turn < maxLeftOut; turn++) {
    const problems = new Problems(read.tree, secrets.found);
    const config = readConfig(sorted.config, scope, problems);
    if (config) return { ...found, config, problems: leftOut };
    // One at a time, because a list moves up when an item is left out.
    const [problem] = problems.all;
    if (!problem) break;
    leftOut.push(problem);
    if (problem.path === null || !leaveOut(sorted.config, problem.path.split('.'))) break;
  }
  return { ...found, config: undefined, problems: [...ofClient.all, ...leftOut] };
}

/** Removes the value at the path, or the nearest one around it that exists; false when there is none. */
function leaveOut(config: unknown, path: readonly string[]): boolean {
  let place: unknown = config;
  const parents: [object, string][] = [];
  for (const key of path) {
    if (typeof place !== 'object' || place === null || !Object.hasOwn(place, key)) break;
    parents.push([place, key]);
    place = Reflect.get(place, key);
  }
  const [parent, key] = parents.at(-1) ?? [];
  if (!parent || key === undefined) return false;
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else Reflect.deleteProperty(parent, key);
  return true;
}
