import { z } from 'zod';
import { toText } from '../../sites/service-target.ts';
import type { JobContext } from '../job-type.ts';
import { toEntry } from '../publish-service-definition/clean-up.ts';
import { openPublishing } from '../publish-service-definition/handler.ts';
import type { Publishing } from '../publish-service-definition/publishing-context.ts';
import { PublishServiceDefinitionParams } from '../publish-service-definition/schema.ts';
import { defineStep } from '../step.ts';
import { type ComparedService, compareWithLive } from './compare-with-live.ts';
import type { ImportCurrentDefinitionParams, ImportCurrentDefinitionResult } from './schema.ts';

/** Nothing on the site is changed; the history learns what made the live service. */
export async function importCurrentDefinition(
  params: ImportCurrentDefinitionParams,
  context: JobContext,
): Promise<ImportCurrentDefinitionResult> {
  const { step } = context;
  const publishing = await openPublishing(PublishServiceDefinitionParams.parse(params), context);
  const service = await step(compareWithLive, publishing);
  const { version } = await step(rememberDefinition, { ...publishing, service });
  return {
    service: toText(service.target),
    version,
    restorable: 'full',
    compared: service.compared,
    warnings: context.warnings(),
  };
}

const rememberDefinition = defineStep<
  Publishing & { service: ComparedService },
  { version: number }
>({
  name: 'remember',
  title: 'Writing it into the history',
  share: [80, 99],
  result: z.object({ version: z.number() }),
  look: async () => undefined, // a job has one version, however often it is recorded
  act: async (input) => {
    const { site, upload, ledger, service } = input;
    const { lastModifiedMs, settingsDigest, configuredState } = service;
    const version = await ledger.record(
      site.name,
      toText(service.target),
      { ...toEntry(input), result: 'imported', inputs: {} },
      {
        uploadId: upload.uploadId,
        live: {
          settingsDigest,
          configuredState,
          ...(lastModifiedMs !== undefined && { lastModifiedMs }),
        },
      },
    );
    return { version };
  },
});
