import { describe, expect, test } from 'vitest';
import { codeRows, ownCodeRows } from './analysis-code-table.ts';
import { explainCode, toCodeText, toFinding } from './analysis-codes.ts';

describe('the codes of the analysis', () => {
  test('come once each, errors below 10000, own ones as words', () => {
    const codes = [...codeRows, ...ownCodeRows].map(([code]) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const [code, severity] of codeRows) {
      expect(code).toMatch(/^\d{5}(?:\d\d)?$/);
      expect([code, severity]).toEqual([code, /^00/.test(code) ? 'error' : 'warning']);
    }
    for (const [code] of ownCodeRows) expect(code).toMatch(/^[a-z_]+$/);
  });

  test.each([
    [1, '00001'],
    [24011, '24011'],
    ['24011', '24011'],
    ['ERROR 00231', '00231'],
    ['0010072', '0010072'],
    ['password_inside', 'password_inside'],
  ])('%j is printed as %s', (code, text) => {
    expect(toCodeText(code)).toBe(text);
  });

  test('the code decides, not the group that ArcMap delivers it in', () => {
    expect(explainCode(24011, { severity: 'message', message: 'said' })).toEqual({
      code: '24011',
      severity: 'warning',
      meaning: expect.stringContaining('not registered') as string,
      fix: expect.stringContaining('Register') as string,
      copiesData: true,
      concerns: 'document',
    });
    expect(explainCode(147)).toMatchObject({ severity: 'error', concerns: 'site' });
  });

  test('a code that is not known is judged by its range and keeps what ArcGIS said', () => {
    expect(explainCode(9_999)).toMatchObject({ code: '09999', severity: 'error' });
    expect(toFinding(31_000, { message: 'New in 4.0', layer: 'Roads' })).toMatchObject({
      ...{ code: '31000', severity: 'warning', meaning: 'New in 4.0', layer: 'Roads' },
    });
  });
});
