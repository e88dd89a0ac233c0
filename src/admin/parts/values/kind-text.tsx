/** A kind of change in words; the hint has the code that filters and scripts use. */
export function KindText({ kind }: { kind: string }) {
  return <span title={kind}>{sentenceOf(kind)}</span>;
}

/** "api_key.created" as "API key created". */
export function sentenceOf(kind: string): string {
  const words = kind.replaceAll(/[._]/g, ' ').replace(/\bapi\b/, 'API');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
