#!/usr/bin/env node
import { ConfigError } from '../lib/errors.ts';
import { parseCommandLine } from './command-line.ts';
import { runDemo } from './demo.ts';
import { runDoctor } from './doctor.ts';
import { runHttp } from './http.ts';
import { runSimulatedSite } from './simulated-site.ts';
import { runWorker } from './worker.ts';

const usage = `pressroom <command>

  http             the API
  worker           carries out jobs; any number of them [--queues site-…,here]
  demo             everything on this machine, and one publish [--once] [file.sd]
  doctor           checks Redis, storage and each site, and says what to mend
  simulated-site   a site to try things out on [--port …] [--fault …]

The configuration is the YAML file named by PRESSROOM_CONFIG.
`;

const commands: Record<string, (args: string[], env: NodeJS.ProcessEnv) => Promise<unknown>> = {
  http: (args, env) => withoutArguments('http', args, () => runHttp(env)),
  worker: runWorker,
  demo: runDemo,
  doctor: runDoctor,
  'simulated-site': runSimulatedSite,
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
