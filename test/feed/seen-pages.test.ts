import { describe, expect, test } from 'vitest';
import type { ChangeView } from '../../src/feed/change.js';
import { createRecentChanges } from '../../src/feed/recent-changes.js';
import { SeenPages } from '../../src/feed/seen-pages.js';
import { aChange } from '../protocol/support/scripted-feed.js';

const changes = [
  aChange(1n, { tenantSlug: 'acme' }),
  aChange(2n, { tenantSlug: 'bolt' }),
  aChange(2n, { tenantSlug: 'bolt', position: 1 }),
  aChange(3n, { tenantSlug: 'core' }),
];
const seesAll: ChangeView = () => 'whole';
const seesOnly =
  (slug: string, others: 'refusals' | 'nothing'): ChangeView =>
  ({ tenantSlug }) =>
    tenantSlug === slug ? 'whole' : others;

describe('a page of events is shared', () => {
  test('by subscribers that see the same of it, and by no others', () => {
    const pages = new SeenPages();
    const all = pages.find('one', changes, seesAll);
    expect(pages.find('one', [...changes], () => 'whole')).toBe(all);
    const views = [seesOnly('acme', 'refusals'), seesOnly('acme', 'nothing'), seesOnly('bolt', 'nothing')];
    const others = views.map((view) => pages.find('one', changes, view));
    expect(new Set([all, ...others]).size).toBe(4);
    expect(new Set([all, ...others].map(({ id }) => id)).size).toBe(4);
    const slugs = others.map(({ events }) =>
      events.map((event) => (event.kind === 'change' ? event.change.tenantSlug : event.kind)),
    );
    expect(slugs).toEqual([['acme', 'refusals'], ['acme'], ['bolt', 'bolt']]);
  });

  test('by those of one history, and of the same changes', () => {
    const pages = new SeenPages();
    const found = [
      pages.find('one', changes, seesAll),
      pages.find('other', changes, seesAll),
      pages.find('one', changes.slice(1), seesAll),
      pages.find('one', changes.slice(0, 3), seesAll),
      pages.find('one', changes.slice(2), seesAll),
    ];
    expect(new Set(found).size).toBe(5);
    expect(found.map(({ events }) => events.length)).toEqual([4, 4, 3, 3, 2]);
  });

  test('and refusals that follow each other are one event, the last one', () => {
    const { events } = new SeenPages().find('one', changes, seesOnly('core', 'refusals'));
    expect(events).toMatchObject([
      { kind: 'refusals', revision: 2n, position: 1 },
      { kind: 'change', change: { tenantSlug: 'core' } },
    ]);
  });
});

test('recent changes are found by whole revisions, for every pair of bounds', () => {
  const recent = createRecentChanges();
  recent.append(changes);
  for (let after = 1n; after <= 5n; after++)
    for (let upTo = after; upTo <= 5n; upTo++)
      expect(recent.find(after, upTo)).toEqual(
        changes.filter(({ revision }) => revision > after && revision <= upTo),
      );
  expect(recent.find(0n, 3n)).toBeUndefined();
});
