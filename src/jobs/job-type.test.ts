import { expect, test } from 'vitest';
import { z } from 'zod';
import { RequestError } from '../lib/errors.ts';
import { toPointer } from '../lib/json-pointer.ts';
import { defineJobType, type JobContext } from './job-type.ts';

const greet = defineJobType({
  name: 'greet',
  title: 'Greet',
  summary: 'Say hello',
  params: z.strictObject({
    name: z.string().min(1),
    times: z.int().default(1),
    to: z.strictObject({ 'a/b': z.string().optional() }).optional(),
  }),
  result: z.object({ text: z.string() }),
  example: { name: 'you' },
  queue: 'here',
  steps: [],
  scopes: ({ times }) => [`greet:${times}`],
  accept: ({ name }) => ({ locks: [name], warnings: [] }),
  handler: async ({ name, times }) => ({ text: `${name} x ${times}` }),
  runAtOnce: async ({ name }) => ({ text: name }),
  failure: ({ name }) => ({
    investigate: async () => name,
    conclude: async () => ({ type: name, title: name, status: 500, code: name }),
  }),
});
const noContext = {} as JobContext;

function faultsOf(raw: unknown): unknown {
  try {
    greet.parseParams(raw);
  } catch (error) {
    if (error instanceof RequestError)
      return { code: error.code, detail: error.message, ...error.facts };
    throw error;
  }
  return undefined;
}

test('parameters are parsed when they are asked for, and again when the job runs', async () => {
  expect(greet.parseParams({ name: 'you' })).toEqual({ name: 'you', times: 1 });
  expect(await greet.run({ name: 'you' }, noContext)).toEqual({ text: 'you x 1' });
  expect(greet.scopes({ name: 'you' })).toEqual(['greet:1']);
  expect(greet.accept({ name: 'you' }, { uploads: {} })).toEqual({ locks: ['you'], warnings: [] });
  await expect(greet.run({ nobody: 1 }, noContext)).rejects.toThrow(z.ZodError);
  expect(await greet.runAtOnce?.({ name: 'you' }, noContext)).toEqual({ text: 'you' });
  expect(await greet.failure({ name: 'you' })?.investigate(new Error('x'), noContext)).toBe('you');
});

test('every fault is told at once, each with where it stands', () => {
  expect(faultsOf({ name: '', times: 1.5, more: 1, other: 2, to: { 'a/b': 3 } })).toEqual({
    code: 'validation_error',
    detail: '5 faults in the inputs.',
    errors: expect.arrayContaining([
      expect.objectContaining({ pointer: '#/inputs/name', code: 'too_small' }),
      expect.objectContaining({ pointer: '#/inputs/times', code: 'invalid_type' }),
      expect.objectContaining({ pointer: '#/inputs/more', code: 'unrecognized_key' }),
      expect.objectContaining({ pointer: '#/inputs/other', code: 'unrecognized_key' }),
      expect.objectContaining({ pointer: '#/inputs/to/a~1b', code: 'invalid_type' }),
    ]),
  });
  expect(faultsOf({})).toMatchObject({ detail: '1 fault in the inputs.' });
  expect(faultsOf('text')).toMatchObject({ errors: [{ pointer: '#/inputs' }] });
});

test('a result of another shape is a fault', async () => {
  const liar = defineJobType({
    ...{ name: 'liar', title: 'Liar', summary: '', example: {}, queue: 'here', steps: [] },
    params: z.strictObject({}),
    result: z.object({ text: z.string() }),
    scopes: () => [],
    handler: async () => JSON.parse('{"text": 1}') as { text: string },
  });
  await expect(liar.run({}, noContext)).rejects.toThrow(z.ZodError);
  expect([liar.runAtOnce, liar.failure({}), liar.fileInputs]).toEqual([undefined, undefined, []]);
  expect(liar.accept({}, { uploads: {} })).toEqual({ locks: [], warnings: [] });
});

test('a pointer is written as the fragment of an address', () => {
  expect(toPointer([])).toBe('#');
  expect(toPointer(['inputs', 'a~b/c', 0, 'ä %'])).toBe('#/inputs/a~0b~1c/0/%C3%A4%20%25');
});
