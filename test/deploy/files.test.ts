import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config.js';
import { isDatabaseVariable, settings } from '../../src/settings/settings.js';
import { skipsNginx } from '../setup/nginx.js';
import { promtool, skipsPrometheus } from '../setup/prometheus.js';
import { skipsSystemd } from '../setup/systemd.js';
import {
  dashboards,
  deploy,
  readAlerts,
  readManifests,
  readPanels,
  readText,
  readYaml,
} from './support/deploy-files.js';

const isSetting = (name: string) => name in settings || isDatabaseVariable(name, []);

describe('compose.yaml', () => {
  const compose = readYaml('compose.yaml');
  const own = Object.entries<{ image: string; environment: Record<string, string> }>(compose.services).filter(
    ([, service]) => service.image === 'tenant-registry',
  );

  test('has two gateways, a worker, a migration, and what they need', () => {
    expect(Object.keys(compose.services).sort()).toEqual(
      'gateway-1 gateway-2 grafana migration nginx postgres prometheus redis worker'.split(' '),
    );
    expect(own.map(([name]) => name)).toEqual(['migration', 'gateway-1', 'gateway-2', 'worker']);
  });

  test.each(own)('%s sets known variables only, and they make a valid configuration', (_name, service) => {
    const env: Record<string, string> = service.environment;
    expect(Object.keys(env).filter((name) => !isSetting(name))).toEqual([]);
    const filled = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value.replace(/\$\{[^}]*\}/g, 'sesame')]),
    );
    expect(readConfig(filled)).toMatchObject({ authMode: 'required', adminPort: 9464, runsWorker: false });
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  });

  test('depends on services that there are, and mounts files that there are', () => {
    for (const { depends_on: needed = {}, volumes = [], configs = [] } of Object.values<{
      depends_on?: object;
      volumes?: string[];
      configs?: { source: string }[];
    }>(compose.services)) {
      for (const name of Object.keys(needed)) expect(compose.services).toHaveProperty(name);
      for (const { source } of configs) expect(compose.configs).toHaveProperty(source);
      for (const [from = ''] of volumes.map((volume) => volume.split(':')))
        if (from.startsWith('./')) expect(readdirSync(deploy), from).toContain(from.slice(2).split('/')[0]);
        else expect(compose.volumes).toHaveProperty(from);
    }
  });

  test('and nginx.conf, prometheus.yml and Dockerfile agree on names and ports', () => {
    expect(readText('deploy/nginx.conf')).toMatch(/server gateway-1:4000 [^;]*;\s+server gateway-2:4000 /);
    const [{ static_configs: targets }] = readYaml('prometheus.yml').scrape_configs;
    expect(targets.flatMap((one: { targets: string[] }) => one.targets)).toEqual([
      'gateway-1:9464',
      'gateway-2:9464',
      'worker:9464',
    ]);
    expect(readText('deploy/Dockerfile')).toContain('EXPOSE 4000 9464');
  });
});

describe('the Dockerfile', () => {
  const lines = readText('deploy/Dockerfile').replaceAll('\\\n', ' ').split('\n');

  test('sets known variables only', () => {
    const names = lines.flatMap((line) => /^ENV ([A-Z_]+)=/.exec(line)?.[1] ?? []);
    expect(names.filter((name) => name !== 'NODE_ENV' && !isSetting(name))).toEqual([]);
  });

  // The rules of hadolint that concern it.
  test('is as hadolint wants it', () => {
    const text = lines.join('\n');
    expect(lines.filter((line) => line.startsWith('USER ')).at(-1)).toBe('USER node');
    expect(text).not.toMatch(/:latest|^ADD |sudo|apt-get/m);
    for (const line of lines.filter((one) => /^(ENTRYPOINT|CMD|HEALTHCHECK .* CMD) /.test(one)))
      expect(() => JSON.parse(line.slice(line.indexOf('['))), line).not.toThrow();
    for (const line of lines.filter((one) => one.startsWith('WORKDIR '))) expect(line).toMatch(/^WORKDIR \//);
    for (const line of lines.filter((one) => one.startsWith('FROM '))) expect(line).toContain('{NODE_IMAGE}');
  });
});

describe('the Kubernetes manifests', () => {
  const pods = readManifests().filter(({ manifest }) => manifest.spec?.template);

  test('set known variables only', () => {
    const [map] = readManifests().filter(({ manifest }) => manifest.kind === 'ConfigMap');
    expect(Object.keys(map?.manifest.data).filter((name) => !isSetting(name))).toEqual([]);
  });

  test('are all listed by kustomization.yaml', () => {
    const files = readdirSync(join(deploy, 'kubernetes')).filter((name) => name !== 'kustomization.yaml');
    expect(readYaml('kubernetes/kustomization.yaml').resources.toSorted()).toEqual(files.toSorted());
  });

  test.each(pods.map(({ file, manifest }) => [file, manifest]))(
    '%s: an ordinary user, nothing to write to, and bounds',
    (_file, { spec: { template } }) => {
      expect(template.spec).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      for (const container of template.spec.containers)
        expect(container).toMatchObject({
          resources: {
            requests: { cpu: expect.any(String), memory: expect.any(String) },
            limits: { memory: expect.any(String) },
          },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        });
    },
  );

  test('probe paths that the port for operators answers, and select pods that there are', () => {
    const labels = pods.map(({ manifest }) => manifest.spec.template.metadata.labels);
    const probes = pods.flatMap(({ manifest }) =>
      manifest.spec.template.spec.containers.flatMap((one: Record<string, { httpGet?: { path: string } }>) =>
        ['startupProbe', 'readinessProbe', 'livenessProbe'].flatMap((name) => one[name]?.httpGet?.path ?? []),
      ),
    );
    expect(new Set(probes)).toEqual(new Set(['/startup', '/ready', '/health']));
    const selectors = readManifests()
      .filter(({ manifest }) => ['Service', 'PodDisruptionBudget'].includes(manifest.kind))
      .map(({ manifest }) => manifest.spec.selector.matchLabels ?? manifest.spec.selector);
    // kustomization.yaml gives every pod this label.
    for (const selector of selectors)
      for (const [name, value] of Object.entries(selector))
        if (name !== 'app.kubernetes.io/name') expect(labels.map((one) => one[name])).toContain(value);
  });
});

describe('nginx.conf', () => {
  test.skipIf(skipsNginx)('is accepted by nginx', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenant-registry-nginx-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    // The names are those of other containers.
    const text = readText('deploy/nginx.conf')
      .replace(/gateway-\d:/g, '127.0.0.1:')
      .replaceAll('/tmp/', `${folder}/`);
    writeFileSync(join(folder, 'nginx.conf'), text);
    const program =
      ['nginx', '/usr/sbin/nginx'].find((name) => spawnSync(name, ['-v']).status === 0) ?? 'nginx';
    const { status, stderr } = spawnSync(program, ['-t', '-q', '-c', join(folder, 'nginx.conf')], {
      encoding: 'utf8',
    });
    // Two servers at one address, as they are here, are no mistake.
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('the units of systemd', () => {
  test.skipIf(skipsSystemd).each(readdirSync(join(deploy, 'systemd')))(
    '%s is accepted by systemd',
    (name) => {
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(deploy, 'systemd', name)], {
        encoding: 'utf8',
      });
      const own = stderr
        .split('\n')
        .filter((line) => line.includes(name) && !line.includes('/opt/tenant-registry'));
      expect({ status, own }).toEqual({ status: 0, own: [] });
    },
  );
});

describe('the configuration of Prometheus', () => {
  test.skipIf(skipsPrometheus)('is accepted, and each alert fires when it has to and only then', () => {
    expect(promtool(['check', 'config', '--syntax-only', join(deploy, 'prometheus.yml')]).status).toBe(0);
    const checked = promtool(['check', 'rules', join(deploy, 'alerts.yaml')]);
    expect(checked).toMatchObject({ status: 0, output: expect.stringContaining('SUCCESS') });
    const tested = promtool(['test', 'rules', join(deploy, 'alerts.test.yaml')]);
    expect(tested).toMatchObject({ status: 0, output: expect.stringContaining('SUCCESS') });
  });

  test('has two tests for each alert', () => {
    const names = readYaml('alerts.test.yaml').tests.map(({ name }: { name: string }) => name);
    const usual = names.filter((name: string) => !name.includes(' fires when '));
    expect(usual).toEqual(readAlerts().flatMap(({ alert }) => [`${alert} fires`, `${alert} stays silent`]));
  });

  test('gives the labels that alerts and dashboards select by, as does the ServiceMonitor', () => {
    const selected = (label: string) => {
      const texts = ['alerts.yaml', ...dashboards.map((file) => join('grafana', file))].map((file) =>
        readFileSync(join(deploy, file), 'utf8').replaceAll('\\', ''),
      );
      return new Set(
        texts.flatMap((text) =>
          [...text.matchAll(RegExp(`\\b${label}="(\\w[^"]*)"`, 'g'))].map(([, one]) => one),
        ),
      );
    };
    const [{ job_name, static_configs }] = readYaml('prometheus.yml').scrape_configs;
    expect(selected('job')).toEqual(new Set([job_name]));
    const roles: string[] = static_configs.map(({ labels }: { labels: { role: string } }) => labels.role);
    expect(roles).toEqual(expect.arrayContaining([...selected('role')]));

    const { manifest } = readManifests().find(({ manifest }) => manifest.kind === 'ServiceMonitor') ?? {};
    const relabelings = manifest?.spec.endpoints[0].relabelings;
    const source = ['__meta_kubernetes_pod_label_app_kubernetes_io_component'];
    expect(relabelings).toContainEqual({ targetLabel: 'job', replacement: job_name });
    expect(relabelings).toContainEqual({ sourceLabels: source, targetLabel: 'role' });
    expect(relabelings).toContainEqual({ sourceLabels: source, regex: roles.join('|'), action: 'keep' });
    const components = readManifests()
      .filter(({ manifest }) => manifest.kind === 'Deployment')
      .map(({ manifest }) => manifest.spec.template.metadata.labels['app.kubernetes.io/component']);
    expect(components.sort()).toEqual(roles.sort());
  });

  test('names a section of the runbook for each alert, and the runbook has no others', () => {
    const sections = [...readFileSync(join(deploy, '../docs/runbook.md'), 'utf8').matchAll(/^## (\w+)$/gm)];
    expect(sections.map(([, name]) => name)).toEqual(readAlerts().map(({ alert }) => alert));
    for (const { alert, labels, annotations } of readAlerts()) {
      expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
      expect(['critical', 'warning']).toContain(labels.severity);
    }
  });
});

describe('the dashboards', () => {
  test.each(dashboards)('%s has panels that do not overlap, each with a name of its own', (file) => {
    const panels = readPanels(file);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)}/${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });
});
