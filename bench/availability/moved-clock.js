// Loaded by a gateway before its own code: after SIGWINCH its time of day differs by as many milliseconds as the file MOVED_CLOCK says.
import { readFileSync } from 'node:fs';

const { now } = Date;
let movedMs = 0;

process.on('SIGWINCH', () => {
  movedMs = Number(readFileSync(process.env.MOVED_CLOCK ?? '', 'utf8'));
});

Date.now = () => now() + movedMs;
globalThis.Date = new Proxy(Date, {
  construct: (target, given, as) =>
    Reflect.construct(target, given.length === 0 ? [target.now()] : given, as),
});
