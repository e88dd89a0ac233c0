import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { mapClient } from '../../../src/importing/yaml/client-mapping.js';
import { strictConfigRules } from '../../../src/registry/values/config-rules.js';
import { ordinaryConfig, type Random, secretKinds } from '../../registry/support/secret-samples.js';
import { createRandom } from '../../setup/random.js';
import { seed } from '../../setup/seed.js';

const rounds = 400;

const map = (file: object) =>
  mapClient(stringify({ client: { id: 'acme' }, ...file }), 'acme', strictConfigRules);

/** Every scalar value of a file, with the object that has it and its key. */
function leavesOf(holder: object): { holder: object; key: string }[] {
  return Object.entries(holder).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null ? leavesOf(value) : [{ holder, key }],
  );
}

/** Puts a secret at a random place, and returns the place for the message of a failing test. */
function hide(secret: string, file: Record<string, unknown>, random: Random): string {
  const leaves = leavesOf(file);
  const leaf = leaves[Math.floor(random() * leaves.length)];
  const ways: (() => string)[] = [
    () => {
      if (leaf) Reflect.set(leaf.holder, leaf.key, secret);
      return `in the place of ${leaf?.key}`;
    },
    () => {
      file.partner = { contacts: [{ note: secret }] };
      return 'under a key that is unknown';
    },
    () => {
      if (leaf) Reflect.set(leaf.holder, secret, 1);
      return `as a key beside ${leaf?.key}`;
    },
    () => {
      file.client = { id: 'acme', name: secret, short_name: secret };
      return 'as a name';
    },
  ];
  return ways[Math.floor(random() * ways.length)]?.() ?? '';
}

test(`${rounds} ordinary files are accepted without a false alarm about secrets`, () => {
  const random = createRandom(seed);
  for (let at = 0; at < rounds; at++) {
    const config = ordinaryConfig(random, 'acme');
    const { wanted, problems, secrets } = map(config);
    expect({ problems, secrets }).toEqual({ problems: [], secrets: [] });
    expect(wanted?.config).toEqual(config);
  }
});

test.each(Object.entries(secretKinds))(
  'a %s at any place of a file is neither reported nor stored',
  (_, make) => {
    const random = createRandom(seed);
    for (let at = 0; at < rounds / 10; at++) {
      const file: Record<string, unknown> = ordinaryConfig(random, 'acme');
      const secret = make(random);
      const where = hide(secret, file, random);
      const output = JSON.stringify(map(file));
      expect(output.includes(JSON.stringify(secret).slice(1, -1)), `${where}: ${output}`).toBe(false);
    }
  },
);
