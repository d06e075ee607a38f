import { expect } from 'vitest';
import { test } from '../../test/support/lent-site.ts';
import { readLogs } from './site-logs.ts';

const path = '/arcgis/admin/logs/query';

function line(time: number, message = `at ${time}`) {
  return { type: 'SEVERE', message, time, source: 'Server', machine: 'GIS01', code: 20_010 };
}

test('asks with the most recent end first, and reads on from where a page ended', async ({
  lend,
}) => {
  const { site, wire } = await lend({
    script: {
      [path]: ({ params }) =>
        params.startTime === '5000'
          ? {
              body: {
                hasMore: true,
                startTime: 5000,
                endTime: 3000,
                logMessages: [line(5000), line(3000)],
              },
            }
          : {
              body: {
                hasMore: 'false',
                startTime: 3000,
                endTime: 900,
                logMessages: [line(3000), line(2000), line(900)],
              },
            },
    },
  });

  const lines = await readLogs(site, {
    fromMs: 1000,
    toMs: 5000,
    services: ['System/PublishingTools.GPServer'],
    level: 'WARNING',
  });

  expect(lines.map(({ timeMs }) => timeMs)).toEqual([2000, 3000, 5000]);
  expect(lines[0]).toEqual({
    timeMs: 2000,
    level: 'SEVERE',
    message: 'at 2000',
    source: 'Server',
    machine: 'GIS01',
    code: 20_010,
  });
  expect(wire.heardOf(path).map(({ params }) => params)).toMatchObject([
    {
      startTime: '5000',
      endTime: '1000',
      level: 'WARNING',
      filter: '{"services":["System/PublishingTools.GPServer"]}',
    },
    { startTime: '3000', endTime: '1000' },
  ]);
});

test('ends with a site that does not get on', async ({ lend }) => {
  const { site, wire } = await lend({
    script: {
      [path]: () => ({ body: { hasMore: true, endTime: 5000, logMessages: [line(4000)] } }),
    },
  });

  await expect(readLogs(site, { fromMs: 0, toMs: 5000, level: 'INFO' })).resolves.toHaveLength(1);
  expect(wire.heardOf(path)).toHaveLength(1);
});

test('masks what looks like a secret', async ({ lend }) => {
  const secret = line(1, 'Cannot open SERVER=db1;PASSWORD=geheim;USER=gis');
  const { site } = await lend({ script: { [path]: () => ({ body: { logMessages: [secret] } }) } });

  await expect(readLogs(site, { fromMs: 0, toMs: 2, level: 'INFO' })).resolves.toMatchObject([
    { message: 'Cannot open SERVER=db1;PASSWORD=***;USER=gis' },
  ]);
});
