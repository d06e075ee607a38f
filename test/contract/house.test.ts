import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

// What keeps the house clean, each as people run it.

const root = join(import.meta.dirname, '../..');
const patienceMs = 120_000;

type Run = { code: number | string; output: string };

function run(command: string): Promise<Run> {
  const [tool = '', ...args] = command.split(' ');
  const env = {
    ...process.env,
    REDOCLY_TELEMETRY: 'off',
    REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
    NO_COLOR: '1',
  };
  const options = { cwd: root, env, timeout: patienceMs, maxBuffer: 64 * 2 ** 20 };
  return new Promise((resolve) => {
    execFile(join(root, 'node_modules/.bin', tool), args, options, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? 'killed') : 0, output: stdout + stderr });
    });
  });
}

// `prepare` builds too, so what does not build would break every `npm ci`.
test.for([
  'tsc --noEmit',
  'tsc -p tsconfig.build.json --noEmit',
  'biome check --max-diagnostics=50',
  'knip',
  'redocly lint openapi/openapi.json',
])('%s finds nothing', { timeout: patienceMs }, async (command) => {
  const { code, output } = await run(command);

  expect(code, output).toBe(0);
});
