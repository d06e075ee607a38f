import { expect, test } from 'vitest';
import { judgeAnswer } from './site-answer.ts';
import { toSiteFailure } from './site-failures.ts';

const busy =
  'Another administrative operation is currently accessing the store. Please try again later.';
const configured =
  'ArcGIS Server Site currently being configured by another administrative operation: Please try Again Later.';
const html = '<html><body>Request Entity Too Large</body></html>';

function fail(httpStatus: number, body: unknown, kind: 'read' | 'change') {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const url = 'https://gis.example.org/arcgis/admin/x';
  const verdict = judgeAnswer({ url, httpStatus, headers: {}, text });
  if (verdict.kind === 'json') throw new Error('is no failure');
  return toSiteFailure(verdict, { site: 'demo', to: 'do it', kind });
}

test.for([
  // HTTP status, body, after a change: code and again, after a read: the same or other ones
  [200, { status: 'error', messages: [busy], code: 500 }, 'site_busy now'],
  [200, { status: 'error', messages: [configured] }, 'site_busy now'],
  [200, { status: 'error', messages: ['Upgrade in progress.'], code: 403 }, 'site_upgrading later'],
  [200, { status: 'error', messages: ['No.'], code: 403 }, 'site_insufficient_privilege never'],
  [
    200,
    { error: { code: 403, message: 'You do not have permissions to access this resource.' } },
    'site_insufficient_privilege never',
  ],
  [200, { status: 'error', messages: ['Failed.'], code: 500 }, 'site_error never'],
  [200, { status: 'failed', messages: ['Failed.'] }, 'site_error never'],
  [200, { success: false, error: { code: 400, message: 'Bad' } }, 'site_error never'],
  [200, { success: false }, 'site_error never'],
  [200, { error: { code: 498, message: 'Invalid Token' } }, 'site_error never'],
  [200, { error: { code: 500, message: 'Not started ', details: null } }, 'site_error never'],
  [200, { error: 'invalid_request', error_description: 'No.' }, 'site_error never'],
  [500, { status: 'error', messages: ['Failed.'], code: 500 }, 'site_error never'],
  [413, html, 'site_error never'],
  [401, html, 'site_error never'],
  [404, html, 'site_error never'],
  [400, { anything: 'else' }, 'site_error never'],
  [429, html, 'site_busy now'],
  [302, '', 'site_error never'],
  [502, html, 'site_timeout look', 'site_unreachable now'],
  [503, '', 'site_timeout look', 'site_unreachable now'],
  [504, html, 'site_timeout look', 'site_unreachable now'],
  [200, { error: { code: 502, message: 'Gateway' } }, 'site_timeout look', 'site_unreachable now'],
  [500, html, 'site_timeout look', 'site_error now'],
  [200, html, 'site_timeout look', 'site_error now'],
  [200, '<?xml version="1.0"?><error/>', 'site_timeout look', 'site_error now'],
  [200, '', 'site_timeout look', 'site_error now'],
  [200, '"text"', 'site_timeout look', 'site_error now'],
] as [number, unknown, string, string?][])('HTTP %i %j', ([httpStatus, body, change, read]) => {
  const [afterChange, afterRead] = [
    fail(httpStatus, body, 'change'),
    fail(httpStatus, body, 'read'),
  ];

  expect(`${afterChange.code} ${afterChange.again}`).toBe(change);
  expect(`${afterRead.code} ${afterRead.again}`).toBe(read ?? change);
});

test.for([
  [200, { status: 'success' }],
  [200, { status: 'exists' }],
  [200, { status: 'warning', messages: ['slow'] }],
  [200, { success: true, status: 'success' }],
  [200, { error: null, items: [] }],
  [200, []],
] as [number, unknown][])('HTTP %i %j is no failure', ([httpStatus, body]) => {
  const text = JSON.stringify(body);
  expect(judgeAnswer({ url: 'u', httpStatus, headers: {}, text })).toMatchObject({
    kind: 'json',
    json: body,
  });
});

test('shows the words of a site once each, without secrets', () => {
  const message =
    'Cannot connect with SERVER=db1;PASSWORD=geheim;ENCRYPTED_PASSWORD=00022e68a1b2c3d4e5';
  const error = fail(200, { error: { code: 500, message, details: [message, '', null] } }, 'read');

  expect(error.siteMessages).toEqual([
    'Cannot connect with SERVER=db1;PASSWORD=***;ENCRYPTED_PASSWORD=***',
  ]);
  expect(JSON.stringify([error.message, error.facts])).not.toMatch(/geheim|00022e/);
});
