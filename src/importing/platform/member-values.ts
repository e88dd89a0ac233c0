/** Reads rows of users and invitations as members of a tenant. Pure. */
import { isSubject } from '../../auth/token-claims.js';
import { email, text } from '../../registry/input.js';
import { quote, readBy, readFlag, readTime } from './cell-values.js';
import { type PlacedRow, problemOf, type RowProblem, readCell } from './table-shape.js';

/** A member as the tables of a platform describe it. */
export interface FoundMember {
  email: string;
  fullName: string | undefined;
  role: 'ADMIN' | 'MEMBER';
  /** ACTIVE without a subject is a user whose account at the identity provider is not known. */
  state: 'ACTIVE' | 'INVITED' | 'REMOVED';
  subject: string | undefined;
  createdAt: Date | undefined;
  /** Until when the invitation of an invited member was valid. */
  invitedUntil: Date | undefined;
  row: PlacedRow;
}

const adminRoles = [
  'admin',
  'owner',
  'administrator',
  'tenant_admin',
  'org_admin',
  'superadmin',
  'super_admin',
];
const memberRoles = ['member', 'user'];
const goneStates = [
  'removed',
  'deleted',
  'inactive',
  'disabled',
  'suspended',
  'deactivated',
  'revoked',
  'blocked',
];
const invitedStates = ['invited', 'pending', 'sent', 'open'];

type Report = (column: string, message: string) => void;

/** Reads a row of users; undefined for one without a usable address. */
export function readUser(row: PlacedRow, now: Date, onProblem: (problem: RowProblem) => void) {
  const report: Report = (column, message) => onProblem(problemOf(row, column, message));
  const person = readPerson('users', row, now, report);
  if (!person) return undefined;
  const subject = readCell('users', row, 'subject');
  const isUsable = subject !== undefined && isSubject(subject.text);
  if (subject && !isUsable)
    report(subject.column, `${quote(subject.text)} was left out: it is no subject of an identity provider`);
  return {
    ...person,
    state: readState(row, report),
    subject: isUsable ? subject.text : undefined,
    invitedUntil: undefined,
    row,
  } satisfies FoundMember;
}

/** Reads a row of invitations; undefined for one that is no longer open, or has no usable address. */
export function readInvitation(row: PlacedRow, now: Date, onProblem: (problem: RowProblem) => void) {
  const report: Report = (column, message) => onProblem(problemOf(row, column, message));
  const status = readCell('invitations', row, 'status')?.text.toLowerCase();
  const isUsed = ['accepted_at', 'revoked_at'].some((meaning) => readCell('invitations', row, meaning));
  if (isUsed || (status !== undefined && !invitedStates.includes(status))) return undefined;
  const expires = readCell('invitations', row, 'expires_at');
  let invitedUntil: Date | undefined;
  if (expires) {
    const read = readTime(expires.text, new Date(8.64e15));
    if ('problem' in read) report(expires.column, `${quote(expires.text)} was left out: it ${read.problem}`);
    else if (read.value <= now) return undefined;
    else invitedUntil = read.value;
  }
  const person = readPerson('invitations', row, now, report);
  if (!person) return undefined;
  return { ...person, state: 'INVITED', subject: undefined, invitedUntil, row } satisfies FoundMember;
}

/** Whether the row says that the invitation was taken back, and not accepted or expired. */
export function isRevoked(row: PlacedRow): boolean {
  const status = readCell('invitations', row, 'status')?.text.toLowerCase();
  return (
    readCell('invitations', row, 'revoked_at') !== undefined ||
    (status !== undefined && [...goneStates, 'cancelled', 'canceled'].includes(status))
  );
}

function readPerson(role: 'users' | 'invitations', row: PlacedRow, now: Date, report: Report) {
  const address = readCell(role, row, 'email');
  if (!address) return void report('email', 'is empty, so the row was left out');
  const read = readBy(email, address.text);
  if ('problem' in read)
    return void report(address.column, `${quote(address.text)} ${read.problem}, so the row was left out`);
  const name = readCell(role, row, 'full_name');
  const fullName = name && readBy(text(200), name.text);
  if (name && fullName && 'problem' in fullName)
    report(name.column, `${quote(name.text)} was left out: it ${fullName.problem}`);
  const created = readCell(role, row, 'created_at');
  const createdAt = created && readTime(created.text, now);
  if (created && createdAt && 'problem' in createdAt)
    report(created.column, `${quote(created.text)} was left out: it ${createdAt.problem}`);
  return {
    email: read.value.toLowerCase(),
    fullName: fullName && 'value' in fullName ? fullName.value : undefined,
    role: readRole(role, row, report),
    createdAt: createdAt && 'value' in createdAt ? createdAt.value : undefined,
  };
}

function readRole(of: 'users' | 'invitations', row: PlacedRow, report: Report): FoundMember['role'] {
  const cell = readCell(of, row, 'role');
  const word = cell?.text.toLowerCase().replaceAll(/[\s-]+/g, '_');
  if (word === undefined || memberRoles.includes(word)) return 'MEMBER';
  if (adminRoles.includes(word)) return 'ADMIN';
  report(
    cell?.column ?? 'role',
    `${quote(cell?.text ?? '')} became MEMBER: the registry knows ADMIN and MEMBER`,
  );
  return 'MEMBER';
}

/** A state that is not known counts as removed: an operator can invite a person later, but cannot undo access. */
function readState(row: PlacedRow, report: Report): FoundMember['state'] {
  if (readCell('users', row, 'deleted_at')) return 'REMOVED';
  const flag = readCell('users', row, 'is_active');
  if (flag && readFlag(flag.text) !== true) return 'REMOVED';
  const status = readCell('users', row, 'status');
  const word = status?.text.toLowerCase();
  if (word === undefined || readFlag(word) === true) return 'ACTIVE';
  if (invitedStates.includes(word)) return 'INVITED';
  if (!goneStates.includes(word))
    report(
      status?.column ?? 'status',
      `${quote(word)} is not known, so the member is REMOVED: invite the person again`,
    );
  return 'REMOVED';
}
