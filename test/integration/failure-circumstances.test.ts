import { expect } from 'vitest';
import { ask } from '../support/asking.ts';
import { published, test } from '../support/quick-publishing.ts';
import { SiteVisitor } from '../support/site-visitor.ts';

test('a site that takes no definitions is asked what it takes', async ({ quick }) => {
  const { site, gateway } = await quick();
  const administrator = new SiteVisitor(site.url);
  await administrator.logIn(site.username, site.password);
  const properties = JSON.stringify({ uploadFileExtensionAllowedList: 'csv, .kmz' });
  await administrator.post('/admin/system/properties/update', { properties, f: 'json' });

  const job = await published(gateway, await gateway.build(), { site: 'demo' });

  expect(job).toMatchObject({ status: 'failed', exception: { step: 'upload', knownAs: 45 } });
  expect(job.exception?.cause).toContain('accepts uploads of csv, kmz; sd is not among them');
});

test('an error without a number says how much ran beside it', async ({ quick }) => {
  const { site, gateway } = await quick();
  site.control.fault({ kind: 'fail-publish', messages: ['ERROR 999999: Something.'] });
  site.control.addForeignJob(10_000);
  const job = await published(gateway, await gateway.build(), { site: 'demo' });
  expect(job).toMatchObject({ status: 'failed', exception: { knownAs: 4 } });
  expect(job.exception?.cause).toContain('It ran beside 1 other job');
});

test('several services that fail for no known reason hold the site; one that fails again does not', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  site.control.fault({ kind: 'fail-publish', messages: ['Nein.'], times: -1 });
  const failedAs = async (serviceName: string) => {
    const job = await published(gateway, await gateway.build({ serviceName }), { site: 'demo' });
    return job.exception?.knownAs;
  };
  expect(await failedAs('Roads')).toBe(0);
  expect(await failedAs('Roads')).toBe(0);
  expect(await failedAs('Roads')).toBe(0);
  expect(await failedAs('Rails')).toBe(0);
  expect(await failedAs('Rivers')).toBe(49);
  site.control.clearFaults();

  const { body } = await gateway.publish(await gateway.build({ serviceName: 'Parks' }), {
    site: 'demo',
  });
  await expect
    .poll(async () => (await ask(gateway, `/v1/jobs/${body.jobID}`)).body.waitingFor, {
      timeout: 5_000,
    })
    .toMatchObject({ reason: 'site' });
  await gateway.core.siteRecords.release('demo');
  await gateway.core.submission.wakeSite('demo');
  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful' });
});

test('a definition that replaces, with nothing to replace, is told as what it is', async ({
  quick,
}) => {
  const { gateway } = await quick();
  const definition = await gateway.build({ publishType: 'Replacement' });

  const job = await published(gateway, definition, { site: 'demo' });

  expect(job).toMatchObject({ status: 'failed', exception: { knownAs: 51, again: 'never' } });
  expect(job.exception?.cause).toContain('demo had no Roads.MapServer');
});

test('fewer layers than in the definition are named, with what to do', async ({ quick }) => {
  const { site, gateway } = await quick();
  site.control.fault({ kind: 'fewer-layers', by: 1 });

  const job = await published(gateway, await gateway.build(), { site: 'demo' });

  expect(job).toMatchObject({ status: 'failed', exception: { knownAs: 52, again: 'look' } });
  expect(job.exception?.cause).toContain('shows 1 of the 2');
  expect(job.exception?.cause).toContain('missing: Bridges');
});
