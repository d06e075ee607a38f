import { readFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { type Figure, openHouse, readMemory } from './support.ts';

const listeners = 2_000;
const watchMs = 10_000;

/** What 2,000 idle listeners cost one http process, in memory and in processor time. */
export async function measureListeners(): Promise<Figure[]> {
  const house = await openHouse();
  const before = readMemory(house.http.pid).now;
  const agent = new Agent({ keepAlive: false, maxSockets: listeners });
  const open: IncomingMessage[] = [];
  for (let at = 0; at < listeners; at += 100) {
    const some = Array.from({ length: 100 }, () => listen(`${house.url}/v1/events`, agent));
    open.push(...(await Promise.all(some)));
  }
  const idleBefore = readProcessorMs(house.http.pid);
  await new Promise((resolve) => setTimeout(resolve, watchMs));
  const busyMs = readProcessorMs(house.http.pid) - idleBefore;
  const grown = readMemory(house.http.pid).now - before;
  const ended = Promise.all(
    open.map((stream) => new Promise((resolve) => stream.once('close', resolve))),
  );
  const beganMs = performance.now();
  await house.http.end();
  await ended;
  const endMs = performance.now() - beganMs;
  await house.close();
  return [
    {
      what: `memory of ${listeners} idle listeners`,
      value: (grown * 1024) / listeners,
      unit: 'KiB each',
    },
    {
      what: `processor time of ${listeners} idle listeners`,
      value: (busyMs / watchMs) * 100,
      unit: '% of a core',
    },
    { what: 'all of them ended at shutdown', value: endMs, unit: 'ms' },
  ];
}

function listen(url: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { accept: 'text/event-stream' } }, (response) => {
      response.resume();
      resolve(response);
    }).on('error', reject);
  });
}

/** User and system time of a process; Linux counts it in hundredths of a second. */
function readProcessorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
