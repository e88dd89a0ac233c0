import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readManifests, root } from './support/deploy-files.js';

interface Model {
  new (manifest: unknown): { validate(): void };
}

const require = createRequire(import.meta.url);

/** The package with the models of an API. */
function packageOf(apiVersion: string): string {
  const isOfOperator = apiVersion.startsWith('monitoring.coreos.com/');
  return `${isOfOperator ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models'}/${apiVersion}`;
}

// Kustomize reads this file and sends it to no cluster.
const manifests = readManifests().filter(({ file }) => file !== 'kustomization.yaml');

describe('the Kubernetes manifests', () => {
  test.each(manifests.map(({ file, manifest }) => [file, manifest.kind, manifest]))(
    '%s: %s is valid by the schema of its API',
    (_file, kind, manifest) => {
      const models = require(packageOf(manifest.apiVersion)) as Record<string, Model | undefined>;
      const ModelOf = models[kind];
      if (!ModelOf) throw new Error(`${manifest.apiVersion} has no ${kind}`);
      expect(() => new ModelOf(manifest).validate()).not.toThrow();
      expect(() => new ModelOf({ ...manifest, spec: 7, data: 7 }).validate()).toThrow();
    },
  );

  // The schemas accept fields that they do not know, which a cluster would drop without a word.
  test('have no field that their API does not know', () => {
    const folder = mkdtempSync(join(root, 'node_modules/.manifests-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const check = (sources: typeof manifests) => {
      const text = sources.map(({ manifest }, at) => {
        const { kind } = manifest;
        return `import type { I${kind} as T${at} } from '${packageOf(manifest.apiVersion)}';
export const m${at}: T${at} = ${JSON.stringify(manifest)};`;
      });
      const file = join(folder, 'manifests.ts');
      writeFileSync(file, text.join('\n'));
      const options = '--noEmit --skipLibCheck --strict --module nodenext --target es2022 --types node'.split(
        ' ',
      );
      const { stdout } = spawnSync(
        join(root, 'node_modules/.bin/tsc'),
        [...options, '--ignoreConfig', file],
        {
          encoding: 'utf8',
          cwd: folder,
        },
      );
      return stdout;
    };
    expect(check(manifests)).toBe('');
    const [first] = manifests.filter(({ manifest }) => manifest.kind === 'Deployment');
    const wrong = structuredClone(first) as (typeof manifests)[number];
    wrong.manifest.spec.template.spec.containers[0].readinesProbe = {};
    expect(check([wrong])).toContain('readinesProbe');
  });
});
