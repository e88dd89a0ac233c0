import { colorOf, paint } from './color.js';
import { LiveLines } from './live-lines.js';
import { oneLine } from './printable.js';

/** The fields of a step that are shown. */
export interface ShownStep {
  name: string;
  moduleName: string | null;
  status: string;
  error: string | null;
}

/** Shows the progress of steps on standard error. */
export interface Progress {
  show(steps: readonly ShownStep[]): void;
  end(): void;
}

export const spinner = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];
const frameMs = 100;

/** Redraws one line per step on a terminal; without a terminal, or when they do not fit, writes a line per change. */
export function openProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const written = new Map<number, string>();
  const live = new LiveLines(stream);
  let frame = 0;
  let current: readonly ShownStep[] = [];

  function draw(): void {
    const lines = current.map((step) => {
      const mark =
        marks[step.status] ?? (step.status === 'QUEUED' ? '·' : (spinner[frame % spinner.length] ?? ''));
      const line = `${mark} ${describe(step)}${step.error ? `: ${squeeze(step.error)}` : ''}`;
      return paint(
        step.status === 'QUEUED' ? 'dim' : colorOf(step.status),
        line.slice(0, live.width),
        stream,
      );
    });
    live.draw(lines);
    frame++;
  }

  let timer: NodeJS.Timeout | undefined;
  return {
    show(steps) {
      current = steps;
      if (live.fits(steps.length)) {
        timer ??= setInterval(draw, frameMs);
        return draw();
      }
      for (const [position, step] of steps.entries()) {
        const line = `${describe(step)}: ${step.status.toLowerCase()}${step.error ? `: ${squeeze(step.error)}` : ''}`;
        if (step.status !== 'QUEUED' && written.get(position) !== line) stream.write(`${line}\n`);
        written.set(position, line);
      }
    },
    end: () => clearInterval(timer),
  };
}

const marks: Record<string, string> = {
  SUCCEEDED: '✔',
  FAILED: '✖',
  NEEDS_ATTENTION: '✖',
  CANCELLED: '–',
  COMPENSATED: '↩',
};

function describe({ name, moduleName }: ShownStep): string {
  return `${name.replaceAll('_', ' ')}${moduleName === null ? '' : ` of ${moduleName}`}`;
}

function squeeze(text: string): string {
  return oneLine(text.replace(/[\s\p{Cc}]+/gu, ' '));
}
