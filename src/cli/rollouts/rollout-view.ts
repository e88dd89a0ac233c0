import type { RolloutTenantRecord } from '../../provisioning/rollout/reads/rollout-pages.js';
import type { StatusCounts } from '../../provisioning/rollout/reads/rollout-record.js';
import type { RolloutSheet } from '../../provisioning/rollout/reads/rollout-sheet.js';
import { colorOf, paint } from '../terminal/color.js';
import { LiveLines } from '../terminal/live-lines.js';
import { spinner } from '../terminal/progress.js';
import { visible } from '../terminal/table.js';

/** Shows a rollout on standard error until its end: drawn again on a terminal, else a line per change. */
export interface RolloutView {
  show(sheet: RolloutSheet): void;
  end(): void;
}

const frameMs = 100;

/** How many tenants are listed as failed and as slow. */
const listed = 5;

export function openRolloutView(stream: NodeJS.WriteStream = process.stderr): RolloutView {
  const live = new LiveLines(stream);
  let sheet: RolloutSheet | undefined;
  let written: string | undefined;
  let frame = 0;
  const draw = () => {
    if (sheet) live.draw(describeSheet(sheet, { width: live.width, frame: frame++, stream }));
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    show(next) {
      sheet = next;
      if (live.fits(mostLines(next))) {
        timer ??= setInterval(draw, frameMs);
        return draw();
      }
      const line = describeState(next);
      if (line !== written) stream.write(`${line}\n`);
      written = line;
    },
    end: () => clearInterval(timer),
  };
}

function mostLines({ counts, running, failed, slowest }: RolloutSheet): number {
  return 6 + counts.waves.length + running.length + Math.min(listed, failed.length) + slowest.length;
}

interface Drawing {
  width: number;
  frame: number;
  stream: NodeJS.WriteStream;
}

/** The lines of a rollout; none is wider than the drawing. */
function describeSheet(sheet: RolloutSheet, { width, frame, stream }: Drawing): string[] {
  const { rollout, counts, running, failed, slowest } = sheet;
  const turning = spinner[frame % spinner.length] ?? '';
  const line = (text: string, status?: string) =>
    paint(status === undefined ? undefined : colorOf(status), visible(text).slice(0, width), stream);
  const waves = counts.waves.map((wave) => {
    const state = stateOf(wave);
    const mark = state === 'RUNNING' ? turning : (marks[state] ?? '·');
    const name = wave.wave === 0 ? 'canary' : `wave ${wave.wave}`;
    return line(`${mark} ${name.padEnd(8)} ${barOf(wave)} ${doneOf(wave)} of ${wave.total}`, state);
  });
  return [
    line(describeState(sheet), rollout.status),
    ...(rollout.pauseReason === null ? [] : [line(`  ${rollout.pauseReason}`, 'FAILED')]),
    ...waves,
    ...running.map((tenant, lane) => line(`  lane ${lane + 1}  ${describeWork(tenant)}`)),
    ...section('slowest', slowest.slice(0, listed), (tenant) =>
      line(`  ${tenant.tenantSlug ?? '–'}  ${secondsOf(tenant.durationMs)}`),
    ),
    ...section('failed', failed.slice(0, listed), (tenant) => line(`  ${describeFailure(tenant)}`, 'FAILED')),
  ];
}

function section<Row>(title: string, rows: readonly Row[], describe: (row: Row) => string): string[] {
  return rows.length === 0 ? [] : [title, ...rows.map(describe)];
}

/** The state of a rollout in one line. */
export function describeState({ rollout, counts }: RolloutSheet): string {
  const { FAILED, BLOCKED, SKIPPED, SUCCEEDED, total } = counts;
  const others = [
    [FAILED, 'failed'],
    [BLOCKED, 'blocked'],
    [SKIPPED, 'skipped'],
  ].flatMap(([count, name]) => (count ? [`, ${count} ${name}`] : []));
  return (
    `${rollout.moduleName} to ${rollout.targetVersion}: ${rollout.status.toLowerCase()}, ` +
    `${SUCCEEDED} of ${total} tenants migrated${others.join('')}`
  );
}

/** One line about a tenant that failed or is blocked. */
export function describeFailure({ tenantSlug, tenantId, file, error, status }: RolloutTenantRecord): string {
  return `${tenantSlug ?? tenantId}  ${status.toLowerCase()}${file === null ? '' : ` in ${file}`}: ${error ?? ''}`;
}

function describeWork({ tenantSlug, tenantId, file, attempts, startedAt }: RolloutTenantRecord): string {
  const since = startedAt === null ? '' : `  ${secondsOf(Date.now() - startedAt.getTime())}`;
  return `${tenantSlug ?? tenantId}  ${file ?? ''}${since}${attempts > 1 ? `  attempt ${attempts}` : ''}`;
}

function stateOf(wave: StatusCounts): string {
  if (wave.RUNNING > 0) return 'RUNNING';
  if (wave.QUEUED === wave.total) return 'QUEUED';
  if (wave.QUEUED > 0) return 'RUNNING';
  return wave.FAILED + wave.BLOCKED > 0 ? 'FAILED' : 'SUCCEEDED';
}

const marks: Record<string, string> = { SUCCEEDED: '✔', FAILED: '✖' };
const barWidth = 20;

function barOf(wave: StatusCounts): string {
  const filled = wave.total === 0 ? barWidth : Math.floor((doneOf(wave) * barWidth) / wave.total);
  return '█'.repeat(filled) + '░'.repeat(barWidth - filled);
}

function doneOf({ total, QUEUED, RUNNING }: StatusCounts): number {
  return total - QUEUED - RUNNING;
}

function secondsOf(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;
}
