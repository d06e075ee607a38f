import { afterAll, describe, inject } from 'vitest';
import { type CrashLab, openCrashLab } from '../support/crash-lab.ts';
import type { Moment } from '../support/crash-matrix.ts';
import { scenarios } from '../support/crash-scenarios.ts';
import { test } from '../support/publishing-test.ts';

/*
 * The short form of `npm run chaos -- --matrix --how dismissed`, which dismisses every scenario at each of its
 * requests. Everywhere the site has to be as it was before, and the job has to say so.
 */
const moments: [scenario: string, how: Moment['how'], operation: string, nth?: number][] = [
  ['stop services', 'dismissed after', 'stop'],
  ['edit services', 'dismissed after', 'edit'],
  ['permit', 'dismissed after', 'add-permission'],
  ['serve an image', 'dismissed after', 'create-service'],
  ['delete services', 'dismissed after', 'delete-service'],
  ['register a folder', 'dismissed after', 'register-item'],
  ['register a store', 'dismissed after', 'register-item'],
  ['register a connection file', 'dismissed after', 'submit'],
  ['update a folder', 'dismissed after', 'edit-data-item'],
  ['unregister', 'dismissed after', 'unregister-item'],
  ['rotate a password', 'dismissed after', 'edit-data-item'],
  ['publish a folder', 'dismissed after', 'submit'],
  // Its worker is killed while it puts back.
  ['create', 'dismissed and killed', 'poll'],
  ['replace', 'dismissed and killed', 'query'],
  ['stop services', 'dismissed and killed', 'stop'],
  ['update a folder', 'dismissed and killed', 'edit-data-item'],
  // It has failed, and is putting back already.
  ['undo a create', 'dismissed before', 'delete-service'],
  ['undo a replacement', 'dismissed after', 'submit', 1],
  ['undo a stop of services', 'dismissed before', 'start'],
  ['undo an update', 'dismissed after', 'edit-data-item', 1],
];

let lab: Promise<CrashLab> | undefined;
afterAll(async () => (await lab)?.close());

describe.concurrent('a dismissed job leaves all as it was', () => {
  test.for(moments)(
    '%s, %s %s',
    { timeout: 300_000 },
    async ([name, how, operation, nth = 0], { expect }) => {
      lab ??= openCrashLab({ redisUrl: inject('redisUrl'), lanes: 3 });
      const scenario = scenarios.find((each) => each.name === name);
      if (!scenario) throw new Error(`There is no scenario ${name}`);

      expect(await (await lab).disturbed(scenario, { operation, nth, how })).toEqual([]);
    },
  );
});
