import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export const root = join(import.meta.dirname, '../../..');
export const deploy = join(root, 'deploy');

export const readText = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

// biome-ignore lint/suspicious/noExplicitAny: files of other programs, whose shape the assertions check
export const readYaml = (name: string): any => parse(readText('deploy', name), { merge: true });

// biome-ignore lint/suspicious/noExplicitAny: see above
export function readManifests(): { file: string; manifest: any }[] {
  return readdirSync(join(deploy, 'kubernetes')).flatMap((file) =>
    parseAllDocuments(readText('deploy/kubernetes', file)).map((document) => {
      if (document.errors.length > 0) throw document.errors[0];
      return { file, manifest: document.toJS() };
    }),
  );
}

export interface Expression {
  /** Where it is: an alert or a panel. */
  at: string;
  text: string;
}

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export const readAlerts = (): Rule[] =>
  readYaml('alerts.yaml').groups.flatMap(({ rules }: { rules: Rule[] }) => rules);

interface Panel {
  id: number;
  title: string;
  gridPos: { h: number; w: number; x: number; y: number };
  targets: { expr: string }[];
}

export const dashboards = ['gateways.json', 'registry.json'];

export const readPanels = (file: string): Panel[] => JSON.parse(readText('deploy/grafana', file)).panels;

export function listExpressions(): Expression[] {
  return [
    ...readAlerts().map(({ alert, expr }) => ({ at: `alert ${alert}`, text: expr })),
    ...dashboards.flatMap((file) =>
      readPanels(file).flatMap(({ title, targets }) =>
        targets.map(({ expr }) => ({ at: `${file}: ${title}`, text: expr })),
      ),
    ),
  ];
}
