import { runWorker } from '../../src/bin/worker.ts';

/** A worker process with everything loaded, that begins when it is told its environment. */
function begin(env: Record<string, string>): void {
  void runWorker({ ...process.env, ...env });
}

process.once('message', (env) => begin(env as Record<string, string>));
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL')); // the tests are gone
process.send?.('standing by');
