import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ConfigError } from '../lib/errors.ts';

/** `parseArgs`, with `--help` and with faults that people can read. @throws ConfigError */
export function parseCommandLine<T extends ParseArgsConfig>(
  usage: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  if (config.args?.includes('--help')) {
    process.stdout.write(`Usage: ${usage}\n`);
    process.exit(0);
  }
  try {
    return parseArgs<T>(config);
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}\n\nUsage: ${usage}`, { cause: error });
  }
}

/** Aborts with the first of these signals; a second one ends the process at once. */
export function whenToldToStop(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(130);
      stopping.abort(new StoppedError());
    });
  }
  return stopping.signal;
}

/** Somebody pressed Ctrl-C. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}
