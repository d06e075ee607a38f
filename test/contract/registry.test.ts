import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { offeredJobTypes } from '../../src/jobs/registry.ts';
import { scenarios } from '../support/crash-scenarios.ts';

const folder = join(import.meta.dirname, '../../src/jobs');
const registered = offeredJobTypes({ conformanceEcho: true });

test('every folder of a job type is registered under its own name, and nothing else is', async () => {
  const entries = await readdir(folder, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);

  expect(registered.map(({ name }) => name).sort()).toEqual(folders.sort());
});

test('every job type that works on a site is disturbed at each of its requests', () => {
  const disturbed = new Set(scenarios.map(({ process }) => process));
  const onSites = registered.filter(({ queue }) => queue === 'site' || queue === 'either');
  const missing = onSites.map(({ name }) => name).filter((name) => !disturbed.has(name));
  expect(missing).toEqual(['check-map']); // it reads a document, and asks the site what is registered
});

test.for(registered)('$name tells callers what it does', async ({ name, title, summary }) => {
  const readme = await readFile(join(folder, name, 'README.md'), 'utf8');

  expect(readme.split('\n')[0]).toBe(`# ${name}`);
  for (const topic of ['Inputs', 'fails', 'Repeating']) expect(readme, topic).toContain(topic);
  expect(title).not.toBe('');
  expect(summary).not.toBe('');
});

test.for(registered)('$name has the files of a job type', ({ name }) => {
  for (const file of ['schema.ts', 'handler.ts', 'job-type.ts']) {
    expect(existsSync(join(folder, name, file)), file).toBe(true);
  }
});

/** Parameters are parsed again when a job runs, so parsing must not change what is parsed. */
test.for(registered)(
  'the example of $name passes its schema twice over',
  ({ example, parseParams }) => {
    const once = parseParams(example);

    expect(parseParams(once)).toEqual(once);
    expect(Object.keys(once)).toEqual(expect.arrayContaining(Object.keys(example as object)));
  },
);

test.for(registered)('every file input of $name is one of its inputs', ({ fileInputs, params }) => {
  expect(Object.keys(params.shape)).toEqual(expect.arrayContaining([...fileInputs]));
});

test.for(registered)('every input of $name is described', ({ params }) => {
  const { properties = {} } = z.toJSONSchema(params, { io: 'input', reused: 'inline' });
  for (const [input, schema] of Object.entries(properties)) {
    expect(JSON.stringify(schema), input).toMatch(/"description":"\w|"\$ref"/);
  }
});
