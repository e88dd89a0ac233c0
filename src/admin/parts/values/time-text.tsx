const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** A time in the zone of the viewer; the hint has the same time in UTC. */
export function TimeText({ value, isRelative }: { value: string | null | undefined; isRelative?: boolean }) {
  if (!value) return <span>–</span>;
  const at = new Date(value);
  return (
    <time dateTime={value} title={`${at.toISOString().replace('T', ' ').slice(0, 19)} UTC`}>
      {isRelative ? relativeText(at) : absolute.format(at)}
    </time>
  );
}

function relativeText(at: Date): string {
  const distanceMs = at.getTime() - Date.now();
  const [unit, length] = units.find(([, ms]) => Math.abs(distanceMs) >= ms) ?? ['minute', 60_000];
  return relative.format(Math.round(distanceMs / length), unit);
}
