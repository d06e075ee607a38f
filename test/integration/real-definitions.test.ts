import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { PublishServiceDefinitionResult } from '../../src/jobs/publish-service-definition/schema.ts';
import { test } from '../support/publishing-test.ts';

/** Definitions made by ArcGIS itself; they are not ours to keep in the repository. */
const samples =
  process.env.PRESSROOM_SAMPLES ?? join(import.meta.dirname, '../../../shared/samples');

describe.skipIf(!existsSync(samples))(
  'real service definitions (skipped: no folder of samples)',
  () => {
    test('an ArcMap definition is published on 10.9.1, with all its layers', async ({
      openSite,
      open,
    }) => {
      const site = await openSite({ version: '10.9.1' });
      const gateway = await open(site);
      const { response, body } = await gateway.publish(join(samples, 'sd/EmergencyOperations.sd'), {
        site: 'demo',
        folder: 'Emergency',
      });
      expect(response.status).toBe(201);

      const job = await gateway.ended(body.jobID);

      expect(job.exception).toBeUndefined();
      const { service, warnings } = job.results as PublishServiceDefinitionResult;
      expect({ layers: service.layers.length, tables: service.tables.length }).toEqual({
        layers: 13,
        tables: 1,
      });
      expect(warnings.join(' ')).toContain('ArcMap');
      expect(site.control.state().uploads).toEqual([]);
    });

    test('the same definition is refused on 11.x', async ({ openSite, open }) => {
      const site = await openSite({ version: '11.3.0' });
      const gateway = await open(site);
      const { response, body } = await gateway.publish(join(samples, 'sd/EmergencyOperations.sd'), {
        site: 'demo',
      });
      const problem = response.status === 201 ? (await gateway.ended(body.jobID)).exception : body;

      expect(problem).toMatchObject({ code: 'incompatible_runtime' });
      expect(site.control.requests().map(({ operation }) => operation)).not.toContain('upload');
    });

    test.for(['Ebola_Treatment_Units.sd', 'WA_DSHS_admin_boundaries.sd'])(
      'a hosted definition is refused on a stand-alone site: %s',
      async (name, { openSite, open }) => {
        const site = await openSite();
        const gateway = await open(site);
        const { response, body } = await gateway.publish(join(samples, 'sd', name), {
          site: 'demo',
        });
        const problem =
          response.status === 201 ? (await gateway.ended(body.jobID)).exception : body;

        expect(problem).toMatchObject({ code: 'hosted_definition' });
        expect(site.control.requests().map(({ operation }) => operation)).not.toContain('upload');
      },
    );
  },
);
