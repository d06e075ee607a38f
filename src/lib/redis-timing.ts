import type { Redis } from 'ioredis';

/**
 * Tells how long each command of this connection took, failed ones included. Connections that are made of it
 * with `duplicate`, as BullMQ makes them to wait for jobs, are not measured.
 */
export function timeCommands(redis: Redis, tell: (seconds: number) => void): void {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    const startedMs = performance.now();
    const done = () => tell((performance.now() - startedMs) / 1000);
    command.promise.then(done, done);
    return send(command, stream);
  };
}
