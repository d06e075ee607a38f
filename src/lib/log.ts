import { pino } from 'pino';
import { redactSecrets } from './redact.ts';

export type Log = pino.Logger;

const buffered = { sync: false, minLength: 15_000, periodicFlush: 100 };

/**
 * JSON lines on stdout. Site tokens travel in form bodies and query strings, so beside pino's fixed
 * paths every error text goes through `redactSecrets`.
 */
export function createLog(
  options: {
    level?: string;
    name?: string;
    destination?: pino.DestinationStream;
    /** Lines are written together a little later, and at the end of the process; a kill loses the last ones. */
    isBuffered?: boolean;
    /** Asked for each line: what it shall hold beside its own fields. */
    fields?: () => Record<string, string>;
  } = {},
): Log {
  return pino(
    {
      level: options.level ?? 'info',
      ...(options.name && { name: options.name }),
      ...(options.fields && { mixin: options.fields }),
      redact: {
        paths: [
          'password',
          'token',
          'secret',
          '*.password',
          '*.token',
          '*.secret',
          'req.headers.authorization',
          'req.headers["x-api-key"]',
          'req.headers.cookie',
        ],
        censor: '***',
      },
      serializers: {
        err: (error: unknown) => {
          const shown = pino.stdSerializers.err(error as Error);
          return {
            ...shown,
            message: redactSecrets(shown.message ?? ''),
            stack: redactSecrets(shown.stack ?? ''),
          };
        },
      },
    },
    options.destination ?? pino.destination({ dest: 1, ...(options.isBuffered && buffered) }),
  );
}
