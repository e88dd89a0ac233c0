import { findSecrets, findSecretValue } from '../../registry/values/secret-detector.js';

/** The replacement of a secret. */
const hidden = '***';

/**
 * Returns a configuration without values that look like secrets. The registry's rules refuse secrets; this stops those
 * that were written by SQL without the rules.
 */
export function withoutSecrets(config: unknown): { config: unknown; paths: string[] } {
  const found = findSecrets(config);
  if (found.length === 0) return { config, paths: [] };
  return { config: hide(config, ''), paths: found.map(({ path }) => path) };
}

function hide(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((item) => hide(item, key));
  if (typeof value !== 'object' || value === null)
    return findSecretValue(key, value) === undefined ? value : hidden;
  return Object.fromEntries(
    Object.entries(value).map(([name, below]) => [
      findSecrets({ [name]: null }).length > 0 ? hidden : name,
      hide(below, name),
    ]),
  );
}
