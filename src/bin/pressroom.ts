#!/usr/bin/env node
import { ConfigError } from '../lib/errors.ts';
import { parseCommandLine } from './command-line.ts';

const usage = `pressroom <command>

  http             the API
  worker           carries out jobs; any number of them [--queues site-…,here]
  demo             everything on this machine, and one publish [--once] [file.sd]
  doctor           checks Redis, storage and each site, and says what to mend
  simulated-site   a site to try things out on [--port …] [--fault …]

The configuration is the YAML file named by PRESSROOM_CONFIG.
`;

type Command = (args: string[], env: NodeJS.ProcessEnv) => Promise<unknown>;

/** Each loads what it needs and no more: a worker that takes over from a dead one should begin soon. */
const commands: Record<string, Command> = {
  http: (args, env) =>
    withoutArguments('http', args, async () => (await import('./http.ts')).runHttp(env)),
  worker: async (args, env) => (await import('./worker.ts')).runWorker(args, env),
  demo: async (args, env) => (await import('./demo.ts')).runDemo(args, env),
  doctor: async (args, env) => (await import('./doctor.ts')).runDoctor(args, env),
  'simulated-site': async (args, env) =>
    (await import('./simulated-site.ts')).runSimulatedSite(args, env),
};

/** What is passed over in silence would be thought to have been done. */
function withoutArguments(
  command: string,
  args: string[],
  run: () => Promise<unknown>,
): Promise<unknown> {
  parseCommandLine(`pressroom ${command}`, { args });
  return run();
}

const [command = '', ...args] = process.argv.slice(2);
const run = commands[command];
if (!run) {
  process.stderr.write(usage);
  process.exit(command === '' || command === 'help' || command === '--help' ? 0 : 2);
}
try {
  await run(args, process.env);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(78); // EX_CONFIG
}
