import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { defaultArchiveLimits } from '../src/documents/archive-limits.ts';
import type { ArchiveTask } from '../src/documents/archive-task.ts';
import { MapEdits } from '../src/documents/map-edits.ts';
import { buildServiceDefinition } from '../src/documents/service-definition-builder.ts';
import { runSevenZip } from '../src/documents/seven-zip.ts';
import { featureLayer, groupLayer, inDatabase, mapFile } from '../test/support/map-files.ts';
import { projectFile } from '../test/support/project-files.ts';
import { type Figure, median, readMemory } from './support.ts';

type Processes = typeof import('../src/documents/archive-process.ts');

const dataMiB = 500;
const layerCount = 1_000;
const times = 5;
const timeoutMs = 60_000;

/** Looking into a large definition and editing a large map, in the process that reads documents. */
export async function measureDocuments(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-documents-'));
  const built = new URL('../dist/documents/archive-process.js', import.meta.url).href;
  const { ArchiveProcess } = (await import(built)) as Processes;
  const reader = new ArchiveProcess({
    limits: defaultArchiveLimits,
    idleMs: 60_000,
    maxHeapMiB: 512,
  });
  try {
    const run = (task: ArchiveTask) => secondsOf(() => reader.run(task, { timeoutMs }));
    const definition = await buildLargeDefinition(folder);
    const first = await run({ kind: 'read-document', file: definition, name: 'large.sd' });
    const inspected: number[] = [];
    for (let time = 0; time < times; time += 1) {
      inspected.push(await run({ kind: 'read-document', file: definition, name: 'large.sd' }));
    }
    const { peak } = readMemory(reader.pid ?? 0);
    const once = await secondsOf(() => readThrough(definition));
    return [
      {
        what: `${dataMiB} MiB definition inspected, first`,
        value: first,
        unit: 's',
        baseline: once,
      },
      { what: 'the same again', value: median(inspected), unit: 's', baseline: once },
      { what: 'resident memory of that process at its peak', value: peak, unit: 'MiB' },
      ...(await measureEdits(folder, run)),
    ];
  } finally {
    await reader.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureEdits(
  folder: string,
  run: (task: ArchiveTask) => Promise<number>,
): Promise<Figure[]> {
  const layers = Array.from({ length: layerCount / 10 }, (_, group) =>
    groupLayer(
      `Group ${group}`,
      Array.from({ length: 10 }, (_, layer) =>
        featureLayer(`Layer ${group} ${layer}`, inDatabase(`t.dbo.L${group}_${layer}`), {
          labelClasses: Array.from({ length: 20 }, (_, at) => ({
            type: 'CIMLabelClass',
            at,
            text: 'x'.repeat(200),
          })),
        }),
      ),
    ),
  );
  const edits = MapEdits.parse({
    changeSources: [{ from: { host: 'gis-test' }, to: { host: 'gis-production' } }],
  });
  const figures: Figure[] = [];
  for (const [what, content] of [
    ['.mapx', mapFile({ layers })],
    ['.aprx', projectFile({ maps: [{ layers }] })],
  ] as const) {
    const source = join(folder, `large${what}`);
    await writeFile(source, content);
    const edited: number[] = [];
    for (let time = 0; time < times; time += 1) {
      const target = join(folder, `edited-${time}${what}`);
      edited.push(await run({ kind: 'edit-map', source, target, layerFile: undefined, edits }));
    }
    const text = typeof content === 'string' ? content : '';
    const baseline = text && (await secondsOf(async () => JSON.stringify(JSON.parse(text))));
    figures.push({
      what: `${layerCount} layers of a ${what} pointed elsewhere`,
      value: median(edited),
      unit: 's',
      ...(baseline && { baseline }),
    });
  }
  return figures;
}

/** A definition with incompressible data in it, as a geodatabase that was copied would be. */
async function buildLargeDefinition(folder: string): Promise<string> {
  const file = join(folder, 'large.sd');
  await buildServiceDefinition(file, { serviceName: 'Large', layers: ['A', 'B', 'C'] });
  await mkdir(join(folder, 'data', 'p20', 'large.gdb'), { recursive: true });
  const table = join(folder, 'data', 'p20', 'large.gdb', 'a00000001.gdbtable');
  const chunks = Array.from({ length: dataMiB }, () => randomBytes(2 ** 20));
  await pipeline(Readable.from(chunks), createWriteStream(table));
  const args = ['u', '-t7z', '-ms=off', '-mx=0', '-bsp0', '--', '/out/large.sd', '/data/p20'];
  const { exitCode, messages } = await runSevenZip(args, {
    mounts: { out: folder, data: join(folder, 'data') },
  });
  if (exitCode !== 0) throw new Error(messages);
  const { size } = await stat(file);
  if (size < dataMiB * 2 ** 20) throw new Error(`The definition has ${size} bytes only`);
  return file;
}

async function readThrough(file: string): Promise<void> {
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), async (source) => {
    for await (const _ of source);
  });
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
}
