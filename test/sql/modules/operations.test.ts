import {
  atLeast,
  atLeastNumeric,
  code,
  ids,
  listed,
  type ModuleCases,
  notBlank,
  primaryKey,
} from './support/cases.js';
import { holdCases } from './support/hold-cases.js';
import { operationsPromises } from './support/operations-promises.js';
import { operationsTables } from './support/operations-tables.js';

const sent = { sent_at: '2026-03-01T08:00:00Z' };
const cancelled = { status: 'cancelled', cancelled_at: '2026-03-01T08:00:00Z' };
const alone = { given_name: null, family_name: null, organisation_id: null };

const operations: ModuleCases = {
  module: 'operations',
  seed: [
    ['party', { id: ids.first }],
    ['party', { id: ids.second, kind: 'organisation', ...alone }],
    ['quote', { id: ids.first, customer_id: ids.first }],
    ['booking', { id: ids.first, customer_id: ids.first }],
  ],
  tables: operationsTables,
  checks: [
    listed('party', 'kind', ['person', 'organisation'], { organisation: alone }),
    notBlank('party', 'name'),
    {
      check: 'party_roles_check',
      of: 'party',
      that: 'roles are any of the four',
      accepts: [
        { roles: [] },
        { roles: ['customer', 'supplier', 'agent', 'traveller'] },
        ...['customer', 'supplier', 'agent', 'traveller'].map((role) => ({ roles: [role] })),
      ],
      refuses: [{ roles: ['owner'] }, { roles: ['customer', 'owner'] }, { roles: [null] }, { roles: [''] }],
    },
    code('party', 'country', 'ZA'),
    {
      check: 'party_person_columns_check',
      of: 'party',
      that: 'only a person has a given name, a family name and an organisation',
      accepts: [
        { kind: 'organisation', ...alone },
        { kind: 'person', given_name: 'Ann', family_name: 'Smith', organisation_id: ids.second },
      ],
      refuses: [
        { kind: 'organisation', ...alone, given_name: 'Ann' },
        { kind: 'organisation', ...alone, family_name: 'Smith' },
        { kind: 'organisation', ...alone, organisation_id: ids.second },
      ],
    },
    {
      check: 'party_other_organisation_check',
      of: 'party',
      that: 'a party does not work for itself',
      accepts: [{ id: ids.third, organisation_id: ids.second }],
      refuses: [{ id: ids.third, organisation_id: ids.third }],
    },
    listed('party_contact', 'kind', ['email', 'phone', 'whatsapp', 'address', 'website']),
    {
      check: 'party_contact_value_check',
      of: 'party_contact',
      that: 'a contact has a value',
      accepts: [{ kind: 'phone', value: '1' }],
      refuses: [
        { kind: 'phone', value: '' },
        { kind: 'phone', value: '  ' },
      ],
    },
    {
      check: 'party_contact_email_check',
      of: 'party_contact',
      that: 'an e-mail address has one @ between two parts without spaces; other contacts need none',
      accepts: [
        { kind: 'email', value: 'ann.smith+1@example.co.za' },
        { kind: 'phone', value: '+27 21 555 0100' },
      ],
      refuses: [
        'ann',
        '@example.com',
        'ann@',
        'a@b@c',
        'ann smith@example.com',
        'ann@exam ple.com',
        ' ann@example.com',
        'ann@example.com\n',
      ].map((value) => ({ kind: 'email', value })),
    },
    listed('quote', 'status', ['draft', 'sent', 'accepted', 'declined', 'withdrawn'], {
      sent,
      accepted: sent,
      declined: sent,
    }),
    atLeast('quote', 'adults', '0', '-1', { children: 2 }),
    atLeast('quote', 'children', '0', '-1', { adults: 2 }),
    code('quote', 'currency', 'ZAR'),
    {
      check: 'quote_travel_order_check',
      of: 'quote',
      that: 'a journey ends on the day it begins, or later; open days are not compared',
      accepts: [
        { travel_from: '2026-04-01', travel_until: '2026-04-01' },
        { travel_from: null, travel_until: '2026-04-01' },
        { travel_from: '2026-04-01', travel_until: null },
      ],
      refuses: [{ travel_from: '2026-04-02', travel_until: '2026-04-01' }],
    },
    {
      check: 'quote_travellers_check',
      of: 'quote',
      that: 'somebody travels',
      accepts: [
        { adults: 1, children: 0 },
        { adults: 0, children: 1 },
      ],
      refuses: [{ adults: 0, children: 0 }],
    },
    {
      check: 'quote_sent_at_check',
      of: 'quote',
      that: 'a quote that was answered or sent says when it was sent',
      accepts: [
        { status: 'draft', sent_at: null },
        { status: 'withdrawn', sent_at: null },
        { status: 'withdrawn', ...sent },
      ],
      refuses: ['sent', 'accepted', 'declined'].map((status) => ({ status, sent_at: null })),
    },
    atLeast('quote_line', 'position', '1', '0'),
    listed('quote_line', 'kind', ['accommodation', 'transport', 'flight', 'activity', 'fee', 'other']),
    notBlank('quote_line', 'description'),
    { ...atLeastNumeric('quote_line', 'quantity', '0.001', '0'), that: 'a quantity is more than 0' },
    atLeastNumeric('quote_line', 'unit_cost', '0', '-0.01'),
    {
      check: 'quote_line_unit_price_check',
      of: 'quote_line',
      that: 'a price may be a discount, but is a number',
      accepts: [{ unit_price: '-0.01' }, { unit_price: '0' }],
      refuses: [{ unit_price: 'NaN' }],
    },
    listed('booking', 'status', ['provisional', 'confirmed', 'completed', 'cancelled'], { cancelled }),
    {
      check: 'booking_travel_order_check',
      of: 'booking',
      that: 'a journey ends on the day it begins, or later',
      accepts: [{ starts_on: '2026-04-01', ends_on: '2026-04-01' }],
      refuses: [{ starts_on: '2026-04-02', ends_on: '2026-04-01' }],
    },
    {
      check: 'booking_cancelled_at_check',
      of: 'booking',
      that: 'a booking has a time of cancellation exactly while it is cancelled',
      accepts: [cancelled, { status: 'confirmed', cancelled_at: null }],
      refuses: [
        { ...cancelled, cancelled_at: null },
        ...['provisional', 'confirmed', 'completed'].map((status) => ({ ...cancelled, status })),
      ],
    },
  ],
  references: [
    {
      reference: 'party_organisation_id_fkey',
      of: 'party',
      column: 'organisation_id',
      to: 'party',
      deletion: 'is refused',
    },
    {
      reference: 'party_contact_party_id_fkey',
      of: 'party_contact',
      column: 'party_id',
      to: 'party',
      deletion: 'deletes the row',
    },
    {
      reference: 'quote_customer_id_fkey',
      of: 'quote',
      column: 'customer_id',
      to: 'party',
      deletion: 'is refused',
    },
    {
      reference: 'quote_line_quote_id_fkey',
      of: 'quote_line',
      column: 'quote_id',
      to: 'quote',
      deletion: 'deletes the row',
    },
    {
      reference: 'quote_line_supplier_id_fkey',
      of: 'quote_line',
      column: 'supplier_id',
      to: 'party',
      deletion: 'is refused',
    },
    {
      reference: 'booking_quote_id_fkey',
      of: 'booking',
      column: 'quote_id',
      to: 'quote',
      deletion: 'is refused',
    },
    {
      reference: 'booking_customer_id_fkey',
      of: 'booking',
      column: 'customer_id',
      to: 'party',
      deletion: 'is refused',
    },
    {
      reference: 'booking_traveller_booking_id_fkey',
      of: 'booking_traveller',
      column: 'booking_id',
      to: 'booking',
      deletion: 'deletes the row',
    },
    {
      reference: 'booking_traveller_party_id_fkey',
      of: 'booking_traveller',
      column: 'party_id',
      to: 'party',
      deletion: 'is refused',
    },
  ],
  uniques: [
    ...['party', 'party_contact', 'quote', 'quote_line', 'booking'].map(primaryKey),
    {
      unique: 'party_contact_party_id_kind_value_key',
      of: 'party_contact',
      same: { party_id: ids.first, kind: 'phone', value: '+27215550100' },
      differs: [{ party_id: ids.second }, { kind: 'whatsapp' }, { value: '+27215550101' }],
    },
    {
      unique: 'party_contact_one_primary',
      of: 'party_contact',
      same: { party_id: ids.first, kind: 'phone', is_primary: true },
      differs: [{ party_id: ids.second }, { kind: 'email' }, { is_primary: false }],
    },
    {
      unique: 'quote_line_quote_id_position_key',
      of: 'quote_line',
      same: { quote_id: ids.first, position: 1 },
      differs: [{ position: 2 }],
    },
    {
      unique: 'booking_quote_id_key',
      of: 'booking',
      same: { quote_id: ids.first },
      differs: [{ quote_id: null }],
    },
    {
      unique: 'booking_traveller_pkey',
      of: 'booking_traveller',
      same: { booking_id: ids.first, party_id: ids.first },
      differs: [{ party_id: ids.second }],
    },
  ],
  promises: operationsPromises,
};

holdCases(operations);
