import { expect, vi } from 'vitest';
import { test } from '../support/quick-publishing.ts';

type Status = {
  status: string;
  waitingFor?: { reason: string; place?: number; detail?: string };
};

test('publishing jobs of others take up slots, and are named to those who wait', async ({
  quick,
}) => {
  const { site, gateway } = await quick(
    { publishMs: 200, publishingInstances: 4 },
    { site: { slots: 3 }, hasWorker: false, settings: { queue: { siteReadSeconds: 1 } } },
  );
  site.control.addForeignJob(20_000);
  site.control.addForeignJob(20_000);
  const [foreign] = site.control.state().siteJobs;
  const definition = await gateway.build();
  const ids: string[] = [];
  for (const serviceName of ['A', 'B', 'C', 'D']) {
    const { body } = await gateway.publish(definition, { site: 'demo', serviceName });
    ids.push(body.jobID);
  }
  const read = async (path: string): Promise<unknown> => (await fetch(gateway.url + path)).json();
  const most = { ours: 0 };
  const stop = site.control.onRequest(async () => {
    const { siteJobs } = site.control.state();
    const ours = siteJobs.filter(
      ({ status, user }) => user !== foreign?.user && status === 'esriJobExecuting',
    );
    most.ours = Math.max(most.ours, ours.length);
  });

  await gateway.openWorker();

  await vi.waitFor(
    async () => {
      const { waitingFor } = (await read(`/v1/jobs/${ids[3]}`)) as Status;
      expect(waitingFor).toMatchObject({
        reason: 'slot',
        detail: expect.stringMatching(
          /^2 publishing jobs of others take up slots of demo \(3 in all\): j\w+ of somebody_else, /,
        ),
      });
    },
    { timeout: 15_000 },
  );
  for (const id of ids) expect((await gateway.ended(id)).status).toBe('successful');
  stop();
  expect(most.ours).toBe(1);
  expect(await read('/v1/sites/demo')).toMatchObject({
    slots: 3,
    foreignJobs: [{ account: 'somebody_else' }, { account: 'somebody_else' }],
  });
});
