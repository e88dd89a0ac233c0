import { expect } from 'vitest';
import { ids, type PromiseCase } from './cases.js';
import { actAsService, readAsStranger } from './stranger.js';
import type { TenantSession } from './tenant-session.js';

const hint = 'Record the opposite movement instead.';
const [here, there] = [ids.first, ids.second];

function move(
  session: TenantSession,
  from: string | null,
  to: string | null,
  quantity: string,
  movedAt: string,
) {
  return session.insert('stock_movement', {
    kind: from === null ? 'receipt' : to === null ? 'issue' : 'transfer',
    from_location_id: from,
    to_location_id: to,
    quantity,
    moved_at: movedAt,
  });
}

async function levels({ query }: TenantSession) {
  const rows = await query(
    `SELECT jsonb_build_array(item_id, location_id, quantity::text, last_moved_at AT TIME ZONE 'UTC') AS level
     FROM stock_level ORDER BY item_id, location_id`,
  );
  return rows.map(({ level }) => level);
}

export const inventoryPromises: PromiseCase[] = [
  {
    holds: ['trigger stock_movement_refuse_change', 'function stock_movement_refuse_change'],
    that: 'a recorded movement is neither changed nor deleted, not even by the owner of the schema',
    by: async (session) => {
      const { insert, outcome } = session;
      const { id } = await insert('stock_movement');
      const refused = (did: string) =>
        `42501 ${did} of stock movement ${id} is refused: recorded movements do not change | ${hint}`;
      for (const change of ['quantity = 1', 'quantity = quantity', 'moved_at = now()', "reference = 'x'"])
        expect(await outcome(`UPDATE stock_movement SET ${change} WHERE id = $1`, [id])).toBe(
          refused('UPDATE'),
        );
      expect(await outcome('DELETE FROM stock_movement')).toBe(refused('DELETE'));
      await actAsService(session);
      expect(await outcome('UPDATE stock_movement SET quantity = 1')).toBe(refused('UPDATE'));
      expect(await outcome('DELETE FROM stock_movement')).toBe(refused('DELETE'));
    },
  },
  {
    holds: ['trigger stock_movement_refuse_truncate'],
    that: 'TRUNCATE does not empty the history, not even by way of another table',
    by: async ({ insert, outcome, query }) => {
      await insert('stock_movement');
      const refused = `42501 TRUNCATE of stock_movement is refused: recorded movements do not change | ${hint}`;
      expect(await outcome('TRUNCATE stock_movement')).toBe(refused);
      expect(await outcome('TRUNCATE item CASCADE')).toBe(refused);
      expect(await query('SELECT FROM stock_movement')).toHaveLength(1);
    },
  },
  {
    holds: ['view stock_level'],
    that: 'stock is the sum of arrivals minus departures, per item and location, with the time of the last movement',
    by: async (session) => {
      await session.insert('item', { id: ids.third });
      await move(session, null, here, '10', '2026-03-01T08:00:00Z');
      await move(session, here, there, '4', '2026-03-03T08:00:00Z');
      await move(session, here, null, '0.5', '2026-03-02T08:00:00Z');
      await session.insert('stock_movement', {
        item_id: ids.third,
        quantity: '1',
        moved_at: '2026-03-04T08:00:00Z',
      });
      expect(await levels(session)).toEqual([
        [ids.first, here, '5.500', '2026-03-03T08:00:00'],
        [ids.first, there, '4.000', '2026-03-03T08:00:00'],
        [ids.third, here, '1.000', '2026-03-04T08:00:00'],
      ]);
    },
  },
  {
    holds: [],
    that: 'stock that has left again is 0, and stock that was never received is negative',
    by: async (session) => {
      await move(session, null, here, '2', '2026-03-01T08:00:00Z');
      await move(session, null, here, '2', '2026-03-01T08:00:00Z');
      await move(session, here, there, '4', '2026-03-02T08:00:00Z');
      await move(session, there, null, '5', '2026-03-03T08:00:00Z');
      expect(await levels(session)).toEqual([
        [ids.first, here, '0.000', '2026-03-02T08:00:00'],
        [ids.first, there, '-1.000', '2026-03-03T08:00:00'],
      ]);
    },
  },
  {
    holds: [],
    that: 'stock stays readable when the sum is greater than a single movement may be',
    by: async (session) => {
      for (const day of ['1', '2'])
        await move(session, null, here, '99999999999.999', `2026-03-0${day}T08:00:00Z`);
      expect(await levels(session)).toEqual([[ids.first, here, '199999999999.998', '2026-03-02T08:00:00']]);
    },
  },
  {
    holds: [],
    that: 'the view shows a role nothing that stock_movement does not show it',
    by: async (session) =>
      expect(await readAsStranger(session, 'stock_level')).toMatch(/^42501 .*stock_movement/),
  },
];
