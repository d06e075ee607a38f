import { expect, test } from 'vitest';
import type { LogLine } from '../../sites/site-logs.ts';
import { chooseLines } from './read-server-log.ts';

const ourJob = `j${'a'.repeat(32)}`;
const otherJob = `j${'b'.repeat(32)}`;
const service = 'Transport/Roads.MapServer';

function line(timeMs: number, message: string, source = 'System/PublishingTools.GPServer') {
  return { timeMs, level: 'SEVERE', message, source, machine: 'GIS01' } satisfies LogLine;
}

test('lines about the site jobs of others are left out once ours is known', () => {
  const ours = line(2, `Job ID: ${ourJob} : ERROR 001369`);
  const others = line(1, `Job ID: ${otherJob} : ERROR 001487`);
  const about = line(3, `Instance not created, see ${otherJob}`, 'transport/roads.mapserver');
  const machine = line(4, 'Disk is full.', 'Server');
  const lines = [machine, others, about, ours];

  expect(chooseLines(lines, { siteJobId: ourJob, service })).toEqual([ours, about, machine]);
  expect(chooseLines(lines, { siteJobId: undefined, service })).toEqual([
    others,
    ours,
    about,
    machine,
  ]);
});

test('of too many lines ours stay', () => {
  const ours = line(1, 'Instance not created.', service);
  const rest = Array.from({ length: 80 }, (_, index) => line(index + 2, `noise ${index}`, 'Rest'));

  const chosen = chooseLines([ours, ...rest], { siteJobId: ourJob, service });

  expect(chosen).toHaveLength(50);
  expect(chosen[0]).toBe(ours);
  expect(chosen.at(-1)).toBe(rest.at(-1));
});
