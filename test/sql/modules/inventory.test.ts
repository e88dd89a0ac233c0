import {
  atLeastNumeric,
  code,
  ids,
  listed,
  type ModuleCases,
  notBlank,
  primaryKey,
  unique,
} from './support/cases.js';
import { holdCases } from './support/hold-cases.js';
import { inventoryPromises } from './support/inventory-promises.js';

const here = ids.first;
const there = ids.second;

function ends(kind: string, from: string | null, to: string | null) {
  return { kind, from_location_id: from, to_location_id: to };
}

/** A label without spaces around it. */
function label(of: string, column: string) {
  return {
    check: `${of}_${column}_check`,
    of,
    that: `${column} is a label without spaces around it`,
    accepts: [{ [column]: 'A' }, { [column]: 'A 1' }],
    refuses: [{ [column]: '' }, { [column]: ' ' }, { [column]: ' A' }, { [column]: 'A ' }],
  };
}

const inventory: ModuleCases = {
  module: 'inventory',
  seed: [
    ['item', { id: ids.first }],
    ['location', { id: here, parent_id: null }],
    ['location', { id: there, parent_id: here }],
  ],
  tables: {
    item: {
      row: () => ({
        sku: unique('SKU'),
        name: 'Blanket',
        reorder_level: '5',
        archived_at: '2026-03-01T08:00:00Z',
      }),
      optional: ['reorder_level', 'archived_at'],
      defaults: { id: 'uuid', unit: 'piece', created_at: 'now' },
      sizes: { sku: 60, unit: 20, reorder_level: '99999999999.999' },
    },
    location: {
      row: () => ({
        code: unique('L'),
        name: 'Shelf 1',
        parent_id: here,
        archived_at: '2026-03-01T08:00:00Z',
      }),
      optional: ['parent_id', 'archived_at'],
      defaults: { id: 'uuid', kind: 'warehouse', created_at: 'now' },
      sizes: { code: 30, kind: 'elsewhere' },
    },
    stock_movement: {
      row: () => ({
        item_id: ids.first,
        ...ends('adjustment', null, here),
        quantity: '2',
        unit_cost: '10.00',
        currency: 'ZAR',
        reference: 'DN 1',
      }),
      optional: [
        { unit_cost: null, currency: null },
        'reference',
        'from_location_id',
        { to_location_id: null, from_location_id: here },
      ],
      defaults: { id: 'uuid', moved_at: 'now', recorded_at: 'now' },
      sizes: { kind: 'elsewhere', quantity: '99999999999.999', unit_cost: '999999999999.99', reference: 100 },
    },
  },
  checks: [
    label('item', 'sku'),
    notBlank('item', 'name'),
    atLeastNumeric('item', 'reorder_level', '0', '-0.001'),
    label('location', 'code'),
    notBlank('location', 'name'),
    listed('location', 'kind', ['warehouse', 'shelf', 'vehicle', 'site']),
    {
      check: 'location_other_parent_check',
      of: 'location',
      that: 'a location is not part of itself',
      accepts: [{ id: ids.third, parent_id: here }],
      refuses: [{ id: ids.third, parent_id: ids.third }],
    },
    listed('stock_movement', 'kind', ['receipt', 'issue', 'transfer', 'adjustment'], {
      issue: ends('issue', here, null),
      transfer: ends('transfer', here, there),
    }),
    { ...atLeastNumeric('stock_movement', 'quantity', '0.001', '0'), that: 'a quantity is more than 0' },
    atLeastNumeric('stock_movement', 'unit_cost', '0', '-0.01'),
    code('stock_movement', 'currency', 'ZAR'),
    {
      check: 'stock_movement_ends_check',
      of: 'stock_movement',
      that: 'a receipt arrives, an issue leaves, a transfer does both at two places, an adjustment one of them',
      accepts: [
        ends('receipt', null, here),
        ends('issue', here, null),
        ends('transfer', here, there),
        ends('adjustment', here, null),
        ends('adjustment', null, here),
      ],
      refuses: [
        ends('receipt', null, null),
        ends('receipt', here, null),
        ends('receipt', here, there),
        ends('issue', null, null),
        ends('issue', null, here),
        ends('issue', here, there),
        ends('transfer', null, null),
        ends('transfer', here, null),
        ends('transfer', null, here),
        ends('transfer', here, here),
        ends('adjustment', null, null),
        ends('adjustment', here, there),
      ],
    },
    {
      check: 'stock_movement_cost_check',
      of: 'stock_movement',
      that: 'a cost has a currency, and a currency a cost',
      accepts: [
        { unit_cost: null, currency: null },
        { unit_cost: '1', currency: 'EUR' },
      ],
      refuses: [
        { unit_cost: '1', currency: null },
        { unit_cost: null, currency: 'EUR' },
      ],
    },
  ],
  references: [
    {
      reference: 'location_parent_id_fkey',
      of: 'location',
      column: 'parent_id',
      to: 'location',
      deletion: 'is refused',
    },
    {
      reference: 'stock_movement_item_id_fkey',
      of: 'stock_movement',
      column: 'item_id',
      to: 'item',
      deletion: 'is refused',
    },
    {
      reference: 'stock_movement_from_location_id_fkey',
      of: 'stock_movement',
      column: 'from_location_id',
      to: 'location',
      deletion: 'is refused',
      with: ends('issue', null, null),
    },
    {
      reference: 'stock_movement_to_location_id_fkey',
      of: 'stock_movement',
      column: 'to_location_id',
      to: 'location',
      deletion: 'is refused',
    },
  ],
  uniques: [
    ...['item', 'location', 'stock_movement'].map(primaryKey),
    { unique: 'item_sku_key', of: 'item', same: { sku: 'B-1' }, differs: [{ sku: 'b-1' }] },
    { unique: 'location_code_key', of: 'location', same: { code: 'W1' }, differs: [{ code: 'w1' }] },
  ],
  promises: inventoryPromises,
};

holdCases(inventory);
