import { mkdir, writeFile } from 'node:fs/promises';
import { describeApi } from '../src/http/describe-api.ts';
import { jobTypes } from '../src/jobs/registry.ts';
import { describeConfig } from '../src/lib/config-schema.ts';

const folder = new URL('../openapi/', import.meta.url);
const write = (name: string, value: unknown) =>
  writeFile(new URL(name, folder), `${JSON.stringify(value, null, 2)}\n`);

await mkdir(folder, { recursive: true });
await write('openapi.json', await describeApi(jobTypes));
await write('config.schema.json', describeConfig());
