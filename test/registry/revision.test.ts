import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatRevision, readRevision } from '../../src/registry/revision.js';

const epochs = fc.stringMatching(/^[0-9a-f]{16}$/);
const numbers = fc.bigInt({ min: 0n, max: 999_999_999_999_999_999n });

test('a revision is the same after formatting and reading', () => {
  fc.assert(
    fc.property(epochs, numbers, (epoch, number) => {
      expect(readRevision(formatRevision({ epoch, number }))).toEqual({ epoch, number });
    }),
  );
});

test('numbers larger than a double can represent stay exact', () => {
  const token = '0123456789abcdef:9007199254740993';
  expect(formatRevision(readRevision(token))).toBe(token);
});

test.each([
  ...[
    '',
    ':',
    '7',
    ':7',
    '0123456789abcdef',
    '0123456789abcdef:',
    '0123456789abcde:7',
    '0123456789abcdef0:7',
  ],
  ...[
    '0123456789ABCDEF:7',
    '0123456789abcdeg:7',
    '0123456789abcdef:-7',
    '0123456789abcdef:+7',
    '0123456789abcdef:7.0',
  ],
  ...[
    '0123456789abcdef: 7',
    ' 0123456789abcdef:7',
    '0123456789abcdef:7\n',
    '0123456789abcdef:0x7',
    '0123456789abcdef:٣',
  ],
  `0123456789abcdef:${'9'.repeat(19)}`,
])('%j is refused as a revision with VALIDATION_ERROR', (text) => {
  expect(() => readRevision(text)).toThrow(
    expect.objectContaining({
      code: 'VALIDATION_ERROR',
      fields: [{ field: 'minRevision', message: expect.any(String) }],
    }),
  );
});
